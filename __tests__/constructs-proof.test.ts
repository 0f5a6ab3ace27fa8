import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { App, TerraformStack } from "cdktf";
import { ExitNetwork, Host, Proof, provenNetwork, WgNode, type ClientInterface, type WgClient } from "../constructs";
import { matchers } from "../constructs/jest";
import type { Inventory } from "../lib/inventory";
import { publicDirectory, removeTemporaryDirectories, temporaryDirectory } from "./support/directory";
import { reference, type Change, type Reference } from "./support/reference";
import { problems, problemsOf, synthesize } from "./support/synth";

afterAll(removeTemporaryDirectories);

const google = "google_compute_address.gcp_address.address";

describe("GIVEN the reference network, WHEN main.ts asserts of its packets what they do, THEN it synthesizes", () => {
  test("clients by name, by address and as they were made; nodes and tunnels likewise", () => {
    const { files } = synthesize(
      {},
      {
        also: ({ stack, gcp, hkt, wgp, wg6, wgs }) => {
          const client2 = clientOf(wgs, "client2");
          Proof.of(stack)
            .toExit("10.66.224.2", gcp)
            .toExit("10.66.225.2", "hkt", { as: "198.51.100.30" })
            .toExit(client2, gcp, { as: google })
            .toTakeHops("10.66.225.2", ["10.66.224.1", "10.66.220.200", "10.66.7.7"])
            .toReachNothing("10.66.224.9")
            .toReachNothing("203.0.113.200")
            .toStayClosedWithout("client2", wgp)
            .toStayClosedWithout("client2", wg6)
            .toStayClosedWithout("10.66.225.2", "hkt/wg7");
          Proof.of(gcp).holds("no way is longer than three hops", ({ ways }) => ways.every(({ hops }) => hops.length <= 3));
          Proof.of(hkt).holds(
            "nobody else is at hkt",
            (network) => network.ways.filter(({ exit }) => exit?.node === "hkt").length === 1,
          );
        },
      },
    );
    expect(Object.keys(files)).toContain("sz/etc/wgchain/rules");
  });
});

describe("GIVEN the reference network, WHEN an assertion does not hold, THEN synth says at which construct, what was seen, and the way", () => {
  const failing = (assert: (written: Reference) => unknown, change: Change = {}): string =>
    problems(change, { also: (written) => void assert(written) });

  test("another exit", () => {
    expect(failing(({ stack, hkt }) => Proof.of(stack).toExit("10.66.224.2", hkt))).toBe(
      `net: '10.66.224.2 should exit at hkt' does not hold: 10.66.224.2 (client) leaves at gcp as ${google}; ` +
        `client by wg as 10.66.224.2, sz by wgp as 10.66.220.224, hk by wg6 as 10.66.6.250, gcp by (uplink) as ${google}: ` +
        `leaves at gcp as ${google}; the answer comes back by gcp > hk > sz > client; largest packet 1400 bytes`,
    );
  });
  test("only the address of a client that leaves elsewhere", () => {
    const said = failing(({ stack }) => Proof.of(stack).toExit("client", "gcp"));
    expect(said).toMatch(
      /^net: 'client should exit at gcp' does not hold: 10\.66\.225\.2 \(client\) leaves at hkt as 198\.51\.100\.30; /,
    );
    expect(said.split("\n")).toHaveLength(1);
  });
  test("another address than the world sees", () => {
    expect(failing(({ stack, hkt }) => Proof.of(stack).toExit("10.66.225.2", hkt, { as: "198.51.100.31" }))).toContain(
      "'10.66.225.2 should exit at hkt as 198.51.100.31' does not hold: 10.66.225.2 (client) leaves at hkt as 198.51.100.30",
    );
  });
  test("nobody's address exits nowhere, and the line that decided is named", () => {
    expect(failing(({ stack, gcp }) => Proof.of(stack).toExit("10.66.224.9", gcp))).toMatch(
      /10\.66\.224\.9 \(coming in by sz\/wgs\) leaves nowhere: unreachable at sz: .*sz:\/etc\/wgchain\/routes:\d+: unreachable default table 7700/,
    );
  });
  test("an address of no network could come in by any interface of clients", () => {
    expect(failing(({ stack, gcp }) => Proof.of(stack).toExit("203.0.113.200", gcp))).toContain(
      "203.0.113.200 (coming in by sz/wgs) leaves nowhere: dropped at sz: nftables, chain spoofed",
    );
  });
  test("no hops at all are not taken by what leaves nowhere", () => {
    expect(failing(({ stack }) => Proof.of(stack).toTakeHops("10.66.224.9", []))).toContain(
      "10.66.224.9 (coming in by sz/wgs) takes the hops (none) and leaves nowhere",
    );
  });
  test("an assertion behind a look at the network", () => {
    const said = failing(({ stack }) => {
      expect(provenNetwork(stack).ways).toHaveLength(3);
      Proof.of(stack).holds("late", () => false);
    });
    expect(said).toBe("net: 'late' does not hold: the predicate is false");
  });
  test("something is reached", () => {
    expect(failing(({ stack }) => Proof.of(stack).toReachNothing("10.66.224.3"))).toContain(
      `'10.66.224.3 should reach nothing' does not hold: 10.66.224.3 (client2) reaches 1.1.1.1: leaves at gcp as ${google}`,
    );
  });
  test("of a prefix that a policy names every address may leave", () => {
    const assert = ({ stack, gcp }: Reference): Proof =>
      Proof.of(stack).toExit("10.66.224.0/24", gcp).toExit("10.66.224.77", gcp).toReachNothing("10.66.224.77");
    expect(failing(assert, { szGcp: { from: ["10.66.224.0/24"] } })).toMatch(
      /^net: '10\.66\.224\.77 should reach nothing' does not hold: 10\.66\.224\.77 \(coming in by sz\/wgs\) reaches 1\.1\.1\.1: leaves at gcp/,
    );
  });
  test("other hops", () => {
    expect(failing(({ stack }) => Proof.of(stack).toTakeHops("10.66.224.3", ["10.66.224.1", "10.66.6.6"]))).toContain(
      `'10.66.224.3 should take the hops 10.66.224.1 > 10.66.6.6' does not hold: 10.66.224.3 (client2) takes the hops 10.66.224.1 > 10.66.220.200 > 10.66.6.6 and leaves at gcp`,
    );
  });
  test("a tunnel that is not on the way, and a source that leaves nowhere anyway, prove nothing", () => {
    expect(failing(({ stack, wg7 }) => Proof.of(stack).toStayClosedWithout("10.66.224.3", wg7))).toContain(
      `'10.66.224.3 should stay closed without hk/wg7' does not hold: 10.66.224.3 (client2) leaves at gcp as ${google} all the same`,
    );
    expect(failing(({ stack, wg7 }) => Proof.of(stack).toStayClosedWithout("10.66.224.9", wg7))).toContain(
      "10.66.224.9 (coming in by sz/wgs) leaves nowhere with it up either: unreachable at sz",
    );
  });
  test("a predicate that is false, throws, or gives no boolean; each at its own construct", () => {
    const said = failing(({ stack, sz, hk }) => {
      Proof.of(sz).holds("all is well", () => false);
      Proof.of(hk).holds("phones stay", (network) => network.waysOf("phone").length > 0);
      Proof.of(stack).holds("later", (() => Promise.resolve(true)) as never);
    });
    expect(said.split("\n")).toEqual([
      "net/sz: 'all is well' does not hold: the predicate is false",
      "net/hk: 'phones stay' does not hold: there is no client 'phone'; the network has client, client2",
      "net: 'later' does not hold: the predicate gave a Promise; return true or false",
    ]);
  });
  test("names that are nobody's", () => {
    const said = failing(({ stack }) => {
      Proof.of(stack)
        .toExit("phone", "gcp")
        .toExit("client", "gpc")
        .toReachNothing("10.66.224.300")
        .toReachNothing("10.66.226.0/24")
        .toStayClosedWithout("client", "sz/wg9");
    });
    expect(said.split("\n")).toEqual([
      "net: 'phone should exit at gcp' does not hold: there is no client 'phone'; the network has client, client2",
      "net: 'client should exit at gpc' does not hold: there is no node 'gpc'; the network has sz, hk, gcp, hkt",
      "net: '10.66.224.300 should reach nothing' does not hold: address '10.66.224.300' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2",
      "net: '10.66.226.0/24 should reach nothing' does not hold: '10.66.226.0/24' is no prefix that a policy names; write an address of it",
      "net: 'client should stay closed without sz/wg9' does not hold: there is no tunnel 'sz/wg9'; the network has sz/wgp, hk/wg6, hk/wg7",
    ]);
  });
  test("they are not asked while the network itself has problems", () => {
    expect(failing(({ stack }) => Proof.of(stack).holds("never", () => false), { hkt: { exit: false } })).not.toContain("never");
  });
  test("what is added afterwards is seen, too", () => {
    const said = failing(({ stack, wgs }) => {
      Proof.of(stack).toReachNothing("10.66.224.9");
      expect(provenNetwork(stack).ways).toHaveLength(3);
      wgs.addClient("late", { addresses: ["10.66.224.9"], publicKey: "bGF0ZSBjbGllbnQncyBrZXkgb2YgMzIgYnl0ZXMgICA=" });
      Proof.of(stack).toExit("late", "gcp");
    });
    expect(said).toMatch(/^net: 'late should exit at gcp' does not hold: 10\.66\.224\.9 \(late\) leaves nowhere/);
  });
});

test("an ExitNetwork's clients and exits; the path is its own", () => {
  const build = (stack: TerraformStack): ExitNetwork => {
    const node = (name: string, address: string, exit: boolean): WgNode =>
      new WgNode(stack, name, { host: Host.ssh({ address }), exit });
    const [sz, hk, hkt] = [
      node("sz", "198.51.100.10", false),
      node("hk", "198.51.100.20", false),
      node("hkt", "198.51.100.30", true),
    ];
    return new ExitNetwork(stack, "exits", {
      entry: sz,
      exits: { hkt: { through: [hk, hkt] } },
      clients: { phone: { exit: "hkt", publicKey: "bGF0ZSBjbGllbnQncyBrZXkgb2YgMzIgYnl0ZXMgICA=" } },
    });
  };
  const names = ["sz.wgs", "sz.wg-hk", "hk.wg-sz", "hk.wg-hkt", "hkt.wg-hk"];
  const files = Object.fromEntries(
    names.map((name) => [`keys/${name}.pub`, `${Buffer.from(name.padEnd(32)).toString("base64")}\n`]),
  );
  const said = problemsOf((stack) => {
    const exits = build(stack);
    const [phone, tunnel] = [exits.clients.get("phone") ?? "", exits.tunnels.get("hk-hkt") ?? ""];
    Proof.of(exits).toExit(phone, "hkt").toStayClosedWithout(phone, tunnel).toExit("phone", "hk");
  }, files);
  expect(said).toMatch(
    /^net\/exits: 'phone should exit at hk' does not hold: 10\.77\.\d+\.\d+ \(phone\) leaves at hkt as 198\.51\.100\.30/,
  );
  expect(said.split("\n")).toHaveLength(1);
});

test("the inventory says what is asserted, and what does not hold by its code", () => {
  const file = join(temporaryDirectory(), "inventory.json");
  process.env["WGCHAIN_INVENTORY"] = file;
  try {
    problems(
      {},
      {
        also: ({ stack }) =>
          void Proof.of(stack)
            .toExit("client2", "gcp")
            .holds("never", () => false),
      },
    );
  } finally {
    delete process.env["WGCHAIN_INVENTORY"];
  }
  const { assertions, problems: found } = JSON.parse(readFileSync(file, "utf8")) as Inventory;
  expect(assertions).toEqual(["client2 should exit at gcp", "never"]);
  expect(found.map(({ code, path }) => [code, path])).toEqual([["assertion", "net"]]);
});

const clientOf = ({ node }: ClientInterface, name: string): WgClient => node.findChild(name) as WgClient;

describe("GIVEN a stack in a user's jest test", () => {
  const outdir = temporaryDirectory();
  const stack = new TerraformStack(new App({ outdir, context: { "wgchain:directory": publicDirectory() } }), "net");
  const { gcp, hkt, wgp, wg7, wgs } = reference(stack, {});
  const client2 = clientOf(wgs, "client2");
  const network = provenNetwork(stack);
  const failure = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      return (error as Error).message;
    }
    throw new Error("it did not fail");
  };

  test("what holds holds, and nothing is written", () => {
    expect(network).toExit("10.66.224.2", "gcp");
    expect(network).toExit("10.66.224.2", gcp, { as: google });
    expect(network).toExit(client2, gcp);
    expect(network).not.toExit("10.66.224.2", hkt);
    expect(network).not.toExit("10.66.225.2", hkt, { as: "203.0.113.9" });
    expect(network).toReachNothing("10.66.224.9");
    expect(network).not.toReachNothing("client");
    expect(network).toTakeHops("client2", ["10.66.224.1", "10.66.220.200", "10.66.6.6"]);
    expect(network).not.toTakeHops("client2", ["10.66.224.1", "10.66.220.200"]);
    expect(network).toStayClosedWithout("client", wgp);
    expect(network).toStayClosedWithout("client2", "wg6");
    expect(network).not.toStayClosedWithout(client2, wg7);
    // cdktf itself makes an empty directory.
    expect(readdirSync(outdir, { recursive: true })).toEqual(["stacks"]);
  });

  test("a failure shows the trace", () => {
    expect(failure(() => expect(network).toExit("10.66.225.2", "gcp"))).toMatchInlineSnapshot(`
     "10.66.225.2 (client) should exit at gcp, but leaves at hkt as 198.51.100.30

          HOST    IN   OUT       ANSWERS AS     SOURCE         DESTINATION  MTU
       1  client  lo   wg                       10.66.225.2    1.1.1.1      1400
       2  sz      wgs  wgp       10.66.224.1    10.66.220.225  1.1.1.1      1440
       3  hk      wgp  wg7       10.66.220.200  10.66.7.250    1.1.1.1      1440
       4  hkt     wg7  (uplink)  10.66.7.7      198.51.100.30  1.1.1.1      1500

       leaves at hkt as 198.51.100.30; the answer comes back by hkt > hk > sz > client; largest packet 1400 bytes"
    `);
    expect(failure(() => expect(network).not.toReachNothing("10.66.224.9"))).toMatchInlineSnapshot(`
     "10.66.224.9 (coming in by sz/wgs) should not reach nothing, but reaches nothing: unreachable at sz

          HOST  IN   OUT  ANSWERS AS  SOURCE       DESTINATION  MTU
       1  sz    wgs                   10.66.224.9  1.1.1.1

       unreachable at sz: an unreachable route of table 7700, asked for no mark by 'pref 19000 iif wgs lookup 7700 protocol 119'
         sz:/etc/wgchain/routes:11: unreachable default table 7700 metric 4278198272 protocol 119
         the sender is not told: the message is lost at sz (no peer of wgs has 10.66.224.9 in its AllowedIPs (required key not available))"
    `);
  });

  test("with .not none of a client's addresses may", () => {
    const said = failure(() => expect(network).not.toExit("client", "hkt"));
    expect(said).toContain("10.66.225.2 (client) should not exit at hkt, but leaves at hkt as 198.51.100.30");
    expect(said).not.toContain("10.66.224.2 (client)");
    expect(failure(() => expect(network).toExit("client", "hkt"))).toContain(
      "10.66.224.2 (client) should exit at hkt, but leaves at gcp",
    );
  });

  test("an unknown name is an error, with .not as well, and so is what is no network", () => {
    const unknown = "there is no node 'gpc'; the network has sz, hk, gcp, hkt";
    expect(failure(() => expect(network).toExit("client", "gpc"))).toBe(unknown);
    expect(failure(() => expect(network).not.toExit("client", "gpc"))).toBe(unknown);
    expect(failure(() => expect(network).not.toReachNothing("phone"))).toBe(
      "there is no client 'phone'; the network has client, client2",
    );
    expect(failure(() => expect(network).not.toStayClosedWithout("client", "wg"))).toContain("there is no tunnel 'wg'");
    expect(failure(() => expect(stack).not.toReachNothing("client"))).toBe(
      "expect(...).toReachNothing takes the network of a stack, and got object; write expect(provenNetwork(stack)).toReachNothing(...)",
    );
  });

  test("one packet, as `wgchain trace` sends it", () => {
    const { verdict, mtuBytes } = network.trace("10.66.224.2", "1.1.1.1", { down: ["hk/wg6"] });
    expect([verdict.end, verdict.at]).toEqual(["unreachable", "hk"]);
    expect(mtuBytes).toBe(1400);
    expect(network.trace("client2", "1.1.1.1").verdict.address).toBe(google);
    expect(network.trace("10.66.224.2", "1.1.1.1", { at: "client2" }).verdict.end).toBe("dropped");
    expect(() => network.trace("client", "1.1.1.1")).toThrow("'client' stands for 2 addresses; name one");
  });

  test("a stack with problems has no proof, and one without a network none either", () => {
    const other = new TerraformStack(new App({ outdir, context: { "wgchain:directory": publicDirectory() } }), "net");
    expect(() => provenNetwork(other)).toThrow("stack 'net' holds no network of wgchain's constructs; make a WgNode in it first");
    reference(other, {});
    Proof.of(other).holds("never", () => false);
    expect(() => provenNetwork(other)).toThrow("net: 'never' does not hold: the predicate is false");
  });

  test("the same matchers for an expect that is no global", () => {
    expect(matchers.toExit.call({}, network, "client2", "gcp").pass).toBe(true);
    expect(matchers.toExit.call({ isNot: true }, network, "client2", "hkt").pass).toBe(false);
  });
});
