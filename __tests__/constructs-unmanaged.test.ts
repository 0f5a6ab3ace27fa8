import { Host, SourcePolicy, WgNode, WgTunnel, type WgNodeProps, type WgTunnelProps } from "../constructs";
import type { TerraformStack } from "cdktf";
import { removeTemporaryDirectories } from "./support/directory";
import { keyPair } from "./support/keys";
import { problems, problemsOf, synthesize, synthesizeOf } from "./support/synth";

afterAll(removeTemporaryDirectories);

const host = Host.unmanaged({ address: "198.51.100.30" });
/** HKT, an exit of the reference network, is somebody else's. */
const exit = { hkt: { host } };
const keysOf = (...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [`keys/${name}.pub`, `${keyPair(name).publicKey}\n`]));

/** The client end is somebody else's. */
const pair =
  (node: Partial<WgNodeProps>, tunnel: Partial<WgTunnelProps>) =>
  (stack: TerraformStack): void => {
    const server = new WgNode(stack, "server", { host: Host.ssh({ address: "198.51.100.10" }), exit: true });
    const client = new WgNode(stack, "client", { host, ...node });
    const wg = new WgTunnel(stack, "wg", {
      server,
      client,
      network: "10.1.1.0/24",
      serverAddress: "10.1.1.1",
      clientAddress: "10.1.1.2",
      ...tunnel,
    });
    new SourcePolicy(stack, "out", { on: server, from: [wg], via: "uplink" });
  };

describe("GIVEN an exit on somebody else's host", () => {
  const { files, resource } = synthesize(exit);
  const before = synthesize();
  const resources = resource["null_resource"] ?? {};

  test("THEN nothing of Terraform's stands for it, and the deploy neither reaches nor waits for it", () => {
    expect(Object.keys(resources).filter((name) => name.startsWith("hkt"))).toEqual([]);
    expect(Object.keys(before.resource["null_resource"] ?? {})).toContain("hkt_config");
    expect(JSON.stringify(resources["deploy"])).not.toContain("hkt");
    expect(resources["hk_membership"]).not.toHaveProperty("depends_on", expect.arrayContaining(["null_resource.hkt_membership"]));
    // A probe would make a deploy fail while the other side is not up yet.
    expect(before.files["hk/etc/wgchain/probes"]).toMatch(/^wg7 /m);
    expect(files["hk/etc/wgchain/probes"]).not.toMatch(/^wg7 /m);
    expect(files["hk/etc/wgchain/probes"]).toMatch(/^wg6 /m);
  });

  test("THEN the hosts of ours get just the same for all else", () => {
    for (const name of Object.keys(before.files).filter((one) => /^(sz|gcp|hk)\//.test(one) && one !== "hk/etc/wgchain/probes"))
      expect([name, files[name]]).toEqual([name, before.files[name]]);
  });

  test("THEN what it must hold is written, with neither units nor a program", () => {
    const own = Object.keys(files).filter((name) => name.startsWith("hkt/"));
    expect(own).toContain("hkt/etc/wireguard/wg7.conf");
    expect(own.filter((name) => !/^hkt\/etc\/(wireguard|wgchain|sysctl\.d)\//.test(name))).toEqual([]);
    expect(files["hkt/etc/wireguard/wg7.conf"]).not.toMatch(/wgchain-host|PrivateKey/);
    expect(files["hkt/etc/wireguard/wg7.conf"]).toContain("PostUp = wg set %i private-key /etc/wireguard/%i.key\n");
    expect(before.files["hkt/etc/wireguard/wg7.conf"]).toContain("wgchain-host ready");
  });
});

test("GIVEN the client end on somebody else's host, THEN the server of ours waits for no answer of theirs either", () => {
  const { files } = synthesizeOf(pair({}, {}), keysOf("server.wg", "client.wg"));
  expect(files["server/etc/wgchain/probes"]).toBe("");
  expect(files["client/etc/wireguard/wg.conf"]).toContain("Endpoint = 198.51.100.10:");
  expect(files["server/etc/wgchain/peers"]).toContain("\tclient\n");
});

describe("what is declared of it is checked as of any host", () => {
  test.each<[string, string, string]>([
    [
      "no key of theirs is there",
      problems(exit, { files: { "keys/hkt.wg7.pub": undefined } }),
      "net/wg7: interface wg7 of hkt has no public key: ",
    ],
    [
      "its key is not to be made by wgchain keys",
      problems(exit, { files: { "keys/hkt.wg7.pub": undefined } }),
      "its host is somebody else's: put the output of 'wg pubkey' there into it",
    ],
    ["it is no exit", problems({ hkt: { host, exit: false } }), "the way hk -> hkt ends at 'hkt', which is no exit"],
    [
      "its address is another's",
      problems({ hkt: { host: Host.unmanaged({ address: "198.51.100.20" }) } }),
      "address 198.51.100.20 is used by",
    ],
    [
      "its address is none",
      problems({ hkt: { host: Host.unmanaged({ address: "198.51.100.030" }) } }),
      "net/hkt: address '198.51.100.030' is not an IPv4 address",
    ],
    [
      "it would have to repair itself",
      problemsOf(pair({ repairEvery: "5min" }, {}), keysOf("server.wg", "client.wg")),
      "net/client: repairEvery is 5min, but the host of 'client' is somebody else's",
    ],
    [
      "it would have to have a pre-shared key made",
      problemsOf(pair({}, { presharedKey: true }), {
        ...keysOf("server.wg", "client.wg"),
        "keys/server.wg.psk.sha256": `${"0".repeat(64)}\n`,
      }),
      "net/wg: presharedKey is set, but the host of 'client' is somebody else's, where none can be made; leave it out",
    ],
  ])("%s", (_name, said, message) => expect(said).toContain(message));
});
