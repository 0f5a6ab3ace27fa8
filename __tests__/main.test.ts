import { keyPair } from "./support/keys";
import { removeTemporaryDirectories } from "./support/directory";
import { differences, runMain, synthesizeMain } from "./support/main-app";
import type { Synthesized } from "./support/synth";

jest.setTimeout(60_000);

let main: Synthesized;
beforeAll(async () => {
  main = await synthesizeMain();
});
afterAll(removeTemporaryDirectories);

const resource = (type: string, name: string): Readonly<Record<string, unknown>> => {
  const found = main.resource[type]?.[name];
  if (found === undefined) throw new Error(`no ${type}.${name}`);
  return found;
};
const file = (name: string): string => main.files[name] ?? `no ${name}`;

describe("what SZ gets", () => {
  test("nftables: marks and labels by maps, fail-closed at the uplink", () => {
    expect(file("sz/etc/wgchain/nftables.nft")).toMatchSnapshot();
    expect(file("sz/etc/wgchain/elements")).toMatchSnapshot();
  });
  test("rules and routes", () => {
    expect(`${file("sz/etc/wgchain/rules")}\n${file("sz/etc/wgchain/routes")}`).toMatchSnapshot();
  });
});

test("HK's wg-quick file of wg6: no private key in it, and the endpoint that only apply knows by its name", () => {
  expect(file("hk/etc/wireguard/wg6.conf")).toMatchSnapshot();
  expect(String((resource("null_resource", "hk_config")["triggers"] as Record<string, string>)["peer gcp on wg6"])).toContain(
    "endpoint ${google_compute_address.gcp_address.address}:",
  );
});

describe("at Google", () => {
  test("a custom-mode network with its MTU", () => {
    expect(resource("google_compute_network", "gcp_network")).toMatchObject({ auto_create_subnetworks: false, mtu: 1460 });
  });
  test("the tunnel's port is open to HK alone, SSH to the administrators alone, and nothing else is", () => {
    const port = /^wg6 mtu \d+ port (\d+)/m.exec(file("gcp/etc/wgchain/interfaces"))?.[1] ?? "";
    expect(Object.keys(main.resource["google_compute_firewall"] ?? {})).toEqual(["gcp_allow_ssh", "gcp_allow_udp_wg6"]);
    expect(resource("google_compute_firewall", "gcp_allow_udp_wg6")).toMatchObject({
      direction: "INGRESS",
      allow: [{ protocol: "udp", ports: [port] }],
      source_ranges: ["198.51.100.20/32"],
    });
    expect(resource("google_compute_firewall", "gcp_allow_ssh")).toMatchObject({
      direction: "INGRESS",
      allow: [{ protocol: "tcp", ports: ["22"] }],
      source_ranges: ["198.51.100.200/32"],
    });
  });
  test("HK's endpoint has the port that the firewall opens", () => {
    expect(file("hk/etc/wgchain/peers")).toContain(
      `@{gcp_address}:${/port (\d+)/.exec(file("gcp/etc/wgchain/interfaces"))?.[1] ?? "none"}`,
    );
  });
  test("a small shielded VM that forwards nothing foreign, without service account, startup script or project-wide keys", () => {
    const instance = resource("google_compute_instance", "gcp_instance");
    expect(instance).toMatchObject({
      machine_type: "e2-micro",
      can_ip_forward: false,
      allow_stopping_for_update: true,
      metadata: { "block-project-ssh-keys": "TRUE" },
      shielded_instance_config: { enable_secure_boot: true, enable_vtpm: true, enable_integrity_monitoring: true },
      network_interface: [{ access_config: [{ nat_ip: "${google_compute_address.gcp_address.address}" }] }],
    });
    expect(instance).not.toHaveProperty("service_account");
    expect(instance).not.toHaveProperty("metadata_startup_script");
    expect(Object.keys(instance["metadata"] as object)).not.toContain("startup-script");
  });
  test("the network goes after the VM: the VM refers to the subnetwork, that to the network", () => {
    const instance = resource("google_compute_instance", "gcp_instance");
    expect(instance["network_interface"]).toMatchObject([{ subnetwork: "${google_compute_subnetwork.gcp_subnetwork.id}" }]);
    expect(resource("google_compute_subnetwork", "gcp_subnetwork")["network"]).toBe("${google_compute_network.gcp_network.id}");
    expect(instance["lifecycle"] ?? {}).not.toHaveProperty("prevent_destroy");
  });
});

describe("delivery", () => {
  test("nothing skips or hides a provisioner: no create_before_destroy, no sensitive values", () => {
    const text = JSON.stringify(main.resource);
    expect(text).not.toMatch(/create_before_destroy|sensitive/);
    expect(text).toContain("local-exec");
  });

  const provisioners = (name: string) =>
    (resource("null_resource", name)["provisioner"] as Record<string, Record<string, unknown>>[]).map((one) => one["local-exec"]);

  test("one resource deploys; each host has a config; hosts that live on have a membership, the VM has none", () => {
    expect(Object.keys(main.resource["null_resource"] ?? {})).toEqual([
      ...["deploy", "gcp_config", "hk_config", "hk_membership", "hkt_config", "hkt_membership", "sz_config", "sz_membership"],
    ]);
  });
  test("a membership's only trigger is the node, and it runs at destroy, with nothing but literals; a config runs nothing", () => {
    for (const name of ["sz", "hk", "hkt"]) {
      expect(resource("null_resource", `${name}_membership`)["triggers"]).toEqual({ node: name });
      expect(provisioners(`${name}_membership`)).toMatchObject([{ when: "destroy", command: "bash wgchain/deliver destroy" }]);
      expect(JSON.stringify(provisioners(`${name}_membership`))).not.toContain("${");
      expect(resource("null_resource", `${name}_config`)).not.toHaveProperty("provisioner");
    }
  });
  test("the deploy's triggers are the configs, and it follows all that hosts need", () => {
    const { triggers, depends_on: after } = resource("null_resource", "deploy");
    const names = ["gcp", "hk", "hkt", "sz"];
    expect(triggers).toEqual(Object.fromEntries(names.map((name) => [name, `\${null_resource.${name}_config.id}`])));
    expect(after).toEqual([
      ...[
        "google_compute_firewall.gcp_allow_ssh",
        "google_compute_firewall.gcp_allow_udp_wg6",
        "google_compute_instance.gcp_instance",
      ],
      ...Object.keys(main.resource["null_resource"] ?? {}).flatMap((name) =>
        name === "deploy" ? [] : [`null_resource.${name}`],
      ),
    ]);
  });
  test("memberships go from entries to exits: each follows those that its node sends to", () => {
    const after = (name: string): unknown => resource("null_resource", `${name}_membership`)["depends_on"] ?? [];
    expect(["sz", "hk", "hkt"].map(after)).toEqual([["null_resource.hk_membership"], ["null_resource.hkt_membership"], []]);
  });
  test("the deploy is told each host, how far it is from its exits, and of the VM what a new machine needs", () => {
    const [apply] = provisioners("deploy") as { readonly environment: Readonly<Record<string, string>> }[];
    expect(apply?.environment["WGCHAIN_HOSTS"]).toMatchInlineSnapshot(`
     "node=sz id=\${null_resource.sz_config.id} rank=2 destination=198.51.100.10 alias=wgchain-sz
     node=hk id=\${null_resource.hk_config.id} rank=1 destination=198.51.100.20 alias=wgchain-hk
     node=gcp id=\${null_resource.gcp_config.id} rank=0 destination=\${google_compute_address.gcp_address.address} alias=wgchain-gcp-\${google_compute_instance.gcp_instance.instance_id} user=wgchain new=1 seconds=300 keys=wg6
     node=hkt id=\${null_resource.hkt_config.id} rank=0 destination=198.51.100.30 alias=wgchain-hkt"
    `);
    expect(apply?.environment).toMatchObject({
      WGCHAIN_VALUES: "gcp_address=${google_compute_address.gcp_address.address}",
      WGCHAIN_REVERT_SECONDS: "60",
    });
  });
  test("SZ's triggers are one key an object", () => {
    const { triggers } = resource("null_resource", "sz_config");
    const brief = Object.keys(triggers as object).map((key) => key.replace(/ (?:file )?\/\S+$/, " ..."));
    expect([...new Set(brief)]).toMatchInlineSnapshot(`
     [
       "address 10.66.220.224 on wgp",
       "address 10.66.220.225 on wgp",
       "address 10.66.224.1 on wgs",
       "file ...",
       "interface wgp",
       "interface wgs",
       "network 10.66.220.0/24",
       "network 10.66.224.0/19",
       "network 10.66.6.0/24",
       "network 10.66.7.0/24",
       "nftables",
       "peer client on wgs",
       "peer client2 on wgs",
       "peer hk on wgp",
       "probe hk on wgp",
       "program wgchain-host",
       "route 10.66.220.0/24 in table 429214",
       "route 10.66.220.0/24 in table 666388",
       "route 10.66.220.0/24 in table 7700",
       "route 10.66.224.0/19 in table 429214",
       "route 10.66.224.0/19 in table 666388",
       "route 10.66.224.0/19 in table 7700",
       "route default in table 429214",
       "route default in table 666388",
       "route otherwise in table 429214",
       "route otherwise in table 666388",
       "route otherwise in table 7700",
       "rule 10000 to 10.66.220.0/24",
       "rule 10000 to 10.66.224.0/19",
       "rule 10100 from 10.66.220.0/24 iif lo",
       "rule 10100 from 10.66.224.0/19 iif lo",
       "rule 11000 iif wgs fwmark 0x68c9e",
       "rule 11000 iif wgs fwmark 0xa2b14",
       "rule 19000 iif wgp",
       "rule 19000 iif wgs",
       "source 10.66.224.2 on wgs",
       "source 10.66.224.3 on wgs",
       "source 10.66.225.2 on wgs",
       "wg-quick hooks",
     ]
    `);
  });
});

describe("no private key", () => {
  test("stands in the synthesized JSON or in a file for a host", () => {
    expect(main.text).not.toMatch(/PrivateKey|PRIVATE KEY/);
    for (const [name, text] of Object.entries(main.files)) {
      // The host program names the word to refuse it.
      if (!name.endsWith("/wgchain-host")) expect(text).not.toMatch(/PrivateKey|PRIVATE KEY/);
    }
  });
  test("given by mistake is printed by the run, in no form", async () => {
    const { privateKey } = keyPair("given by mistake");
    const { status, output } = await runMain({ files: { "keys/hk.wgp.pub": privateKey } });
    expect(status).not.toBe(0);
    expect(output).toContain("is a private key where a public one belongs (not shown)");
    expect(output).not.toContain(privateKey.slice(0, 16));
    expect(output).not.toContain(Buffer.from(privateKey, "base64").toString("hex").slice(0, 16));
  });
});

describe("a changed main.ts", () => {
  const edits = {
    moved: (text: string): string =>
      text
        .replace('["10.66.224.2/32", "10.66.224.3/32"]', '["10.66.224.3/32"]')
        .replace('["10.66.225.2/32"]', '["10.66.224.2/32", "10.66.225.2/32"]'),
    oneMore: (text: string): string =>
      text
        .replace(
          'addClient("client2", { addresses: ["10.66.224.3"] });',
          '$&\n    wgs.addClient("client3", { addresses: ["10.66.224.4"] });',
        )
        .replace('"10.66.224.3/32"]', '"10.66.224.3/32", "10.66.224.4/32"]'),
  };
  const client3 = { "keys/client.client3.pub": keyPair("client.client3").publicKey };
  const publicDirectoryAside = (text: string): string => text.replaceAll(/"[^"]*wgchain-test-[^"]*"/g, '"DIR"');
  const parts = ({ resource: all }: Synthesized): Record<string, string> =>
    Object.fromEntries(
      Object.entries(all).flatMap(([type, ones]) =>
        Object.entries(ones).map(([name, one]) => [`${type}.${name}`, publicDirectoryAside(JSON.stringify(one))]),
      ),
    );
  const changed = (before: Record<string, string>, after: Record<string, string>): string[] =>
    [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key]).sort();
  const triggers = ({ resource: all }: Synthesized): Record<string, unknown> =>
    (all["null_resource"]?.["sz_config"]?.["triggers"] ?? {}) as Record<string, unknown>;

  test("10.66.224.2 to HKT: what concerns it at SZ, and nothing of other hosts", async () => {
    const moved = await synthesizeMain(edits.moved);
    expect(changed(parts(main), parts(moved))).toEqual(["null_resource.sz_config"]);
    expect(differences(triggers(main), triggers(moved))).toMatchInlineSnapshot(`
     [
       "source 10.66.224.2 on wgs: exit gcp via wgp from 10.66.220.224 -> exit hkt via wgp from 10.66.220.225",
     ]
    `);
    expect(changed(main.files, moved.files)).toMatchInlineSnapshot(`
     [
       "sz/etc/wgchain/elements",
       "sz/etc/wgchain/sources",
     ]
    `);
  });

  test("one more client: its peer, its source and its place in the maps at SZ; Google's resources stay byte by byte", async () => {
    const more = await synthesizeMain(edits.oneMore, client3);
    expect(changed(parts(main), parts(more))).toEqual(["null_resource.sz_config"]);
    expect(differences(triggers(main), triggers(more)).map((line) => line.replace(/key \S+/, "key KEY"))).toMatchInlineSnapshot(`
     [
       "peer client3 on wgs: (none) -> key KEY allowed-ips 10.66.224.4/32",
       "source 10.66.224.4 on wgs: (none) -> exit gcp via wgp from 10.66.220.224",
     ]
    `);
    expect(changed(main.files, more.files)).toMatchInlineSnapshot(`
     [
       "sz/etc/wgchain/elements",
       "sz/etc/wgchain/peers",
       "sz/etc/wgchain/sources",
       "sz/etc/wireguard/wgs.conf",
     ]
    `);
    const google = (one: Synthesized): string =>
      JSON.stringify(Object.entries(one.resource).filter(([type]) => type.startsWith("google_")));
    expect(google(more)).toBe(google(main));
    expect(google(main)).toContain("google_compute_instance");
  });

  test("nothing: a second run gives the same, byte by byte", async () => {
    const again = await synthesizeMain();
    expect(publicDirectoryAside(again.text)).toBe(publicDirectoryAside(main.text));
    expect(again.files).toEqual(main.files);
  });
});
