import { TerraformStack } from "cdktf";
import { Host, SourcePolicy, WgNode, WgTunnel } from "../constructs";
import { removeTemporaryDirectories } from "./support/directory";
import { keyPair } from "./support/keys";
import type { Reference } from "./support/reference";
import { problems } from "./support/synth";

afterAll(removeTemporaryDirectories);

const end = (name: string) => ({ publicKey: keyPair(name).publicKey });
const ends = (name: string) => ({ serverEnd: end(`${name} server`), clientEnd: end(`${name} client`) });

describe("GIVEN the reference network, WHEN a source is claimed twice, THEN synth names both policies", () => {
  test("the same address", () => {
    expect(problems({ szHkt: { from: ["10.66.224.2"] } })).toMatchInlineSnapshot(
      `"net/sz-hkt: source 10.66.224.2/32 is claimed by 'sz-hkt', and 10.66.224.2/32 by 'sz-gcp' (net/sz-gcp); leave it to one of them"`,
    );
  });
  test("an address and a prefix around it", () => {
    expect(problems({ szHkt: { from: ["10.66.224.0/24"] } })).toMatchInlineSnapshot(`
     "net/sz-gcp: source 10.66.224.2/32 is claimed by 'sz-gcp', and 10.66.224.0/24 by 'sz-hkt' (net/sz-hkt); leave it to one of them
     net/sz-gcp: source 10.66.224.3/32 is claimed by 'sz-gcp', and 10.66.224.0/24 by 'sz-hkt' (net/sz-hkt); leave it to one of them"
    `);
  });
  test("twice by one policy", () => {
    expect(problems({ szHkt: { from: ["10.66.225.2", "10.66.225.2/32"] } })).toMatchInlineSnapshot(
      `"net/sz-hkt: source 10.66.225.2/32 is claimed by 'sz-hkt', and 10.66.225.2/32 by 'sz-hkt' (net/sz-hkt); leave it to one of them"`,
    );
  });
  test("a label and the whole tunnel that carries it", () => {
    expect(
      problems(
        {},
        { also: ({ stack, hk, wgp, wg6 }) => void new SourcePolicy(stack, "rest", { on: hk, from: [wgp], via: wg6 }) },
      ),
    ).toMatchInlineSnapshot(`
     "net/hk-gcp: source 10.66.220.224/32 is claimed by 'hk-gcp', and 10.66.220.0/24 by 'rest' (net/rest); leave it to one of them
     net/hk-hkt: source 10.66.220.225/32 is claimed by 'hk-hkt', and 10.66.220.0/24 by 'rest' (net/rest); leave it to one of them"
    `);
  });
});

describe("GIVEN the reference network, WHEN a way does not end in an exit, THEN synth shows the way", () => {
  test("its last node is no exit", () => {
    expect(problems({ hkt: { exit: false } })).toMatchInlineSnapshot(`
     "net/sz-hkt: the way sz -> hk -> hkt ends at 'hkt', which is no exit and has no policy for 10.66.7.250; set exit: true on 'hkt' or add a SourcePolicy there
     net/hk-hkt: the way hk -> hkt ends at 'hkt', which is no exit and has no policy for 10.66.7.250; set exit: true on 'hkt' or add a SourcePolicy there"
    `);
  });
  test("its label has no policy at the relay", () => {
    expect(problems({ hkHkt: { from: ["10.66.220.77"] } })).toMatchInlineSnapshot(
      `"net/sz-hkt: the way sz -> hk ends at 'hk', which is no exit and has no policy for 10.66.220.225; set exit: true on 'hk' or add a SourcePolicy there"`,
    );
  });
  test("it leaves by the uplink of a node that is no exit", () => {
    expect(
      problems(
        {},
        { also: ({ stack, sz }) => void new SourcePolicy(stack, "out", { on: sz, from: ["10.66.226.2"], via: "uplink" }) },
      ),
    ).toMatchInlineSnapshot(`"net/out: via is the uplink, but 'sz' is no exit; set exit: true on it"`);
  });
});

test("GIVEN tunnels in a ring, WHEN policies send round it, THEN the loop is shown", () => {
  const back = ({ stack, sz, hkt, wgp, viaHkt }: Reference): void => {
    const ring = new WgTunnel(stack, "ring", {
      server: sz,
      client: hkt,
      network: "10.66.9.0/24",
      serverAddress: "10.66.9.1",
      clientAddress: "10.66.9.2",
      ...ends("ring"),
    });
    new SourcePolicy(stack, "hkt-back", { on: hkt, from: ["10.66.7.250"], via: ring });
    new SourcePolicy(stack, "sz-again", { on: sz, from: ["10.66.9.2"], via: wgp, snat: viaHkt });
  };
  expect(problems({}, { also: back })).toMatchInlineSnapshot(`
   "net/sz-hkt: the way sz -> hk -> hkt -> sz comes to 'sz' twice; change via of one policy on it
   net/hk-hkt: the way hk -> hkt -> sz -> hk comes to 'hk' twice; change via of one policy on it
   net/hkt-back: the way hkt -> sz -> hk -> hkt comes to 'hkt' twice; change via of one policy on it
   net/sz-again: the way sz -> hk -> hkt -> sz comes to 'sz' twice; change via of one policy on it"
  `);
});

describe("GIVEN the reference network, WHEN a selector would catch the host's own traffic, THEN synth refuses it", () => {
  test.each([
    ["everything", "0.0.0.0/0"],
    ["its public address: SSH and endpoints", "198.51.100.10/32"],
    ["its private address: the underlay of wgp", "172.16.0.0/30"],
    ["more than the clients' network", "10.66.0.0/16"],
  ])("%s", (_what, prefix) => {
    expect(problems({ szHkt: { from: [prefix] } })).toBe(
      `net/sz-hkt: source ${prefix} lies in no network that arrives at 'sz' (10.66.224.0/19 on wgs); a wider selector would catch the host's own traffic (underlay, endpoints, SSH)`,
    );
  });
  test("on a node at which nothing arrives", () => {
    const lone = ({ stack }: Reference): void => {
      const node = new WgNode(stack, "lone", { host: Host.ssh({ address: "198.51.100.40" }), exit: true });
      new SourcePolicy(stack, "lone-out", { on: node, from: ["10.0.0.0/8"], via: "uplink" });
    };
    expect(problems({}, { also: lone })).toMatchInlineSnapshot(
      `"net/lone-out: source 10.0.0.0/8 lies in no network that arrives at 'lone' (nothing arrives there); a wider selector would catch the host's own traffic (underlay, endpoints, SSH)"`,
    );
  });
  test("a label that arrives elsewhere", () => {
    expect(
      problems(
        {},
        { also: ({ stack, hkt, viaGcp }) => void new SourcePolicy(stack, "astray", { on: hkt, from: [viaGcp], via: "uplink" }) },
      ),
    ).toMatchInlineSnapshot(`"net/astray: source is of tunnel 'wgp', which arrives at 'hk' and not at 'hkt'"`);
  });
});

describe("GIVEN the reference network, WHEN a number set by hand is wrong, THEN synth names it", () => {
  test.each([0, 253, 254, 255, 7700])("table %i is reserved", (routeTable) => {
    expect(problems({ szHkt: { routeTable } })).toBe(
      `net/sz-hkt: routeTable ${routeTable} is reserved; take another number, e.g. 51820`,
    );
  });
  test("a table that is no number of a table", () => {
    expect(problems({ szHkt: { routeTable: -1 }, szGcp: { routeTable: 2 ** 32 } })).toMatchInlineSnapshot(`
     "net/sz-gcp: routeTable 4294967296 is out of range; take a whole number from 1 to 4294967295
     net/sz-hkt: routeTable -1 is out of range; take a whole number from 1 to 4294967295"
    `);
  });
  test("a table where tables are allocated", () => {
    expect(problems({ szHkt: { routeTable: 100_000 }, szGcp: { routeTable: 999_999 } })).toMatchInlineSnapshot(`
     "net/sz-gcp: routeTable 999999 lies where tables are allocated (100000 to 999999); take one below, e.g. 51820
     net/sz-hkt: routeTable 100000 lies where tables are allocated (100000 to 999999); take one below, e.g. 51820"
    `);
  });
  test("a table for two ways", () => {
    expect(problems({ szHkt: { routeTable: 51_820 }, szGcp: { routeTable: 51_820 } })).toMatchInlineSnapshot(
      `"net/sz-hkt: table 51820 is used by 'sz-gcp' and 'sz-hkt', which go different ways; set another routeTable on one"`,
    );
  });
  test("a priority used twice", () => {
    expect(problems({ szHkt: { priority: 12_000 }, szGcp: { priority: 12_000 } })).toMatchInlineSnapshot(
      `"net/sz-hkt: priority 12000 is used by 'sz-gcp' and 'sz-hkt'; set another on one, or leave both out"`,
    );
  });
  test("priorities out of range, where the fail-closed rules stand", () => {
    expect(problems({ szHkt: { priority: 10_999 }, szGcp: { priority: 19_000 } })).toMatchInlineSnapshot(`
     "net/sz-gcp: priority (rules before and behind this range are the fail-closed ones) 19000 is out of range; take a whole number from 11000 to 18999
     net/sz-hkt: priority (rules before and behind this range are the fail-closed ones) 10999 is out of range; take a whole number from 11000 to 18999"
    `);
  });
  test("no whole number", () => {
    expect(problems({ szHkt: { priority: 12_000.5 }, szGcp: { routeTable: NaN } })).toMatchInlineSnapshot(`
     "net/sz-gcp: routeTable NaN is out of range; take a whole number from 1 to 4294967295
     net/sz-hkt: priority (rules before and behind this range are the fail-closed ones) 12000.5 is out of range; take a whole number from 11000 to 18999"
    `);
  });
});

describe("GIVEN the reference network, WHEN a policy contradicts itself, THEN synth says how", () => {
  test("no source", () => {
    expect(problems({ szHkt: { from: [] } })).toMatchInlineSnapshot(`"net/sz-hkt: from is empty; name at least one source"`);
  });
  test("a tunnel against its direction", () => {
    expect(
      problems(
        {},
        { also: ({ stack, hkt, wg7 }) => void new SourcePolicy(stack, "astray", { on: hkt, from: ["10.66.7.9"], via: wg7 }) },
      ),
    ).toMatchInlineSnapshot(
      `"net/astray: via is tunnel 'wg7', whose client end is 'hk' and not 'hkt'; traffic goes from a tunnel's client end to its server end"`,
    );
  });
  test("nothing to leave with", () => {
    expect(
      problems(
        {},
        { also: ({ stack, sz, wgp }) => void new SourcePolicy(stack, "bare", { on: sz, from: ["10.66.226.2"], via: wgp }) },
      ),
    ).toMatchInlineSnapshot(
      `"net/bare: needs snat: tunnel 'wgp' has no clientAddress to leave with; name a SnatLabel or set clientAddress on the tunnel"`,
    );
  });
  test("a label of another tunnel", () => {
    expect(
      problems(
        {},
        {
          also: ({ stack, hk, wg7, viaGcp }) =>
            void new SourcePolicy(stack, "mixed", { on: hk, from: ["10.66.220.9"], via: wg7, snat: viaGcp }),
        },
      ),
    ).toMatchInlineSnapshot(`"net/mixed: snat 'via-gcp' is a label of tunnel 'wgp', but via is 'wg7'"`);
  });
  test("a label on the uplink", () => {
    expect(
      problems(
        {},
        {
          also: ({ stack, hkt, viaGcp }) =>
            void new SourcePolicy(stack, "mixed", { on: hkt, from: ["10.66.7.9"], via: "uplink", snat: viaGcp }),
        },
      ),
    ).toMatchInlineSnapshot(`"net/mixed: snat names a label, but via is the uplink, which masquerades; leave snat out"`);
  });
  test("a partner from another stack", () => {
    const other = ({ stack, hk }: Reference): void => {
      const far = new WgNode(new TerraformStack(stack.node.root, "other"), "far", {
        host: Host.ssh({ address: "198.51.100.40" }),
      });
      const props = { server: far, client: hk, network: "10.66.9.0/24", serverAddress: "10.66.9.1", ...ends("out") };
      new WgTunnel(stack, "out", props);
    };
    expect(problems({}, { also: other })).toMatchInlineSnapshot(
      `"net/out: refers to other/far, which is not in this stack; write all of one network into one stack"`,
    );
  });
});
