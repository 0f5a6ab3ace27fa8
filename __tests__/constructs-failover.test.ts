import type { TerraformStack } from "cdktf";
import { ExitNetwork, Host, SnatLabel, SourcePolicy, WgNode, type ExitNetworkProps } from "../constructs";
import { listName, stagesOf } from "../constructs/exit-ways";
import { removeTemporaryDirectories } from "./support/directory";
import { publicKeyText } from "./support/keys";
import type { Reference } from "./support/reference";
import { problems, problemsOf, synthesize, synthesizeOf } from "./support/synth";

afterAll(removeTemporaryDirectories);

const both = { hkGcpVia: ["wg6", "wg7"] } as const;
const hk = (file: string, change: Parameters<typeof synthesize>[0] = both): string =>
  synthesize(change).files[`hk/etc/wgchain/${file}`] ?? "";

describe("GIVEN a policy with several tunnels", () => {
  test("its table leads by the first, and each choice has a table and a rule for what measures it", () => {
    expect(hk("failover") + hk("choices")).toMatchInlineSnapshot(`
     "gcp:wg6,hkt:wg7 table 895098 every 1 down 3 up 5 hold 60 ask 1.1.1.1,8.8.8.8
     gcp:wg6,hkt:wg7 1 exit gcp dev wg6 table 239452 from 10.66.6.250
     gcp:wg6,hkt:wg7 2 exit hkt dev wg7 table 104368 from 10.66.7.250
     "
    `);
    expect(hk("rules").match(/.* iif lo fwmark .*/g)).toMatchInlineSnapshot(`
     [
       "pref 10090 iif lo fwmark 0x197b0 lookup 104368 protocol 119",
       "pref 10090 iif lo fwmark 0x3a75c lookup 239452 protocol 119",
     ]
    `);
    expect(hk("routes").match(/^default .*/gm)).toMatchInlineSnapshot(`
     [
       "default dev wg6 table 239452 protocol 119",
       "default dev wg6 table 895098 protocol 119",
       "default dev wg7 table 104368 protocol 119",
     ]
    `);
  });

  test("its sources have a label on each tunnel, and one mark", () => {
    expect(hk("elements").match(/.*10\.66\.220\.224 : .*/g)).toMatchInlineSnapshot(`
     [
       "exit_of_wgp 10.66.220.224 : 0xda87a",
       "label_on_wg6 10.66.220.224 : 10.66.6.250",
       "label_on_wg7 10.66.220.224 : 10.66.7.250",
     ]
    `);
    expect(hk("sources")).toMatchInlineSnapshot(`
     "wgp 10.66.220.224 gcp,hkt 10.66.6.250,10.66.7.250 wg6,wg7 895098
     wgp 10.66.220.225 hkt 10.66.7.250
     "
    `);
  });

  test("ping is installed, and a unit measures; a host without has neither", () => {
    const { files } = synthesize(both);
    expect(files["hk/etc/wgchain/packages"]).toContain("iputils-ping\n");
    expect(files["hk/etc/systemd/system/wgchain-failover.service"]).toContain("wgchain-host failover");
    expect(Object.keys(files).filter((name) => /failover|choices/.test(name) && !name.startsWith("hk/"))).toEqual([]);
  });

  test("policies of the same choices are moved together, in another order not", () => {
    const change = { ...both, hkHktVia: ["wg7", "wg6"] as const };
    expect(hk("failover", change).split("\n").filter(Boolean)).toHaveLength(2);
    expect(
      hk("failover", { ...both, hkHktVia: ["wg6", "wg7"] })
        .split("\n")
        .filter(Boolean),
    ).toHaveLength(1);
  });

  test("one tunnel in a list is as without", () => {
    expect(synthesize({ hkGcpVia: ["wg6"] }).files).toEqual(synthesize().files);
  });
});

describe("WHEN it cannot be so, THEN synth says why", () => {
  const failover = (change: NonNullable<Parameters<typeof problems>[0]["hkGcp"]>) => problems({ ...both, hkGcp: change });
  test("nothing to choose from", () => {
    expect(problems({ hkGcp: { failover: {} } })).toMatchInlineSnapshot(`
     "net/hk-gcp: failover is set, but via names one way only; name several tunnels in via, or leave failover out
     net/sz-gcp: the way sz -> hk ends at 'hk', which is no exit and has no policy for 10.66.220.224; set exit: true on 'hk' or add a SourcePolicy there"
    `);
    expect(problems({ hkGcpVia: [] })).toMatchInlineSnapshot(`
     "net/hk-gcp: via is empty; name at least one tunnel
     net/sz-gcp: the way sz -> hk ends at 'hk', which is no exit and has no policy for 10.66.220.224; set exit: true on 'hk' or add a SourcePolicy there"
    `);
    expect(problems({ hkGcpVia: ["wg6", "wg6"] })).toMatchInlineSnapshot(
      `"net/hk-gcp: via names tunnel 'wg6' twice; name each choice once"`,
    );
  });
  test("numbers out of range", () => {
    expect(failover({ failover: { intervalSeconds: 0, failures: 1.5, successes: 61, holdSeconds: -1 } })).toMatchInlineSnapshot(
      `"net/hk-gcp: failover.intervalSeconds 0 is out of range; take a whole number from 1 to 60"`,
    );
  });
  test.each([
    [[]],
    [["1.1.1.1", "1.1.1.1"]],
    [["10.0.0.1"]],
    [["example.org"]],
    [["198.51.100.30"]],
    [["a", "b", "c", "d", "e"]],
  ])("targets %j", (targets) => {
    expect(failover({ failover: { targets } })).toMatchSnapshot();
  });
  test("a choice that ends nowhere", () => {
    expect(problems({ ...both, hkt: { exit: false }, szHkt: { from: [] }, hkHkt: { from: [] } })).toMatch(
      "the way hk -> hkt ends at 'hkt', which is no exit",
    );
  });
  test("a label of another tunnel", () => {
    const also = ({ stack, wgp, hk: on, wg6, wg7 }: Reference): void => {
      const label = (id: string, address: string) => new SnatLabel(stack, id, { tunnel: wgp, address });
      const [from, snat] = [label("l0", "10.66.220.9"), label("l1", "10.66.220.10")];
      new SourcePolicy(stack, "more", { on, from: [from], via: [wg6, wg7], snat });
    };
    expect(problems({}, { also })).toMatchInlineSnapshot(
      `"net/more: snat 'l1' is a label of tunnel 'wgp', which is not in via; name one label a tunnel"`,
    );
  });
  test("two ways to measure the same choices", () => {
    expect(problems({ ...both, hkHktVia: ["wg6", "wg7"], hkHkt: { failover: { failures: 9 } } })).toMatchInlineSnapshot(
      `"net/hk-hkt: policies 'hk-gcp' and 'hk-hkt' have the same choices, which are measured once, but other settings in failover; give both the same"`,
    );
  });
});

const interfaces = ["sz.wgs", "sz.wg-hk", "hk.wg-sz", "hk.wg-gcp", "gcp.wg-hk", "hk.wg-hkt", "hkt.wg-hk", "sz.wg-jp", "jp.wg-sz"];
const clients = ["phone", "laptop", "tv"].map((name) => `client.${name}`);
const files = Object.fromEntries([...interfaces, ...clients].map((name) => [`keys/${name}.pub`, publicKeyText(name)]));

/** sz enters; hk leads to gcp and hkt, and there is a way of its own to jp. */
function network(stack: TerraformStack, clients: ExitNetworkProps["clients"], more: Partial<ExitNetworkProps> = {}): void {
  const node = (name: string, last: number, exit = true) =>
    new WgNode(stack, name, { host: Host.ssh({ address: `198.51.100.${last}` }), exit });
  const [sz, relay, gcp, hkt, jp] = [
    node("sz", 10, false),
    node("hk", 20, false),
    node("gcp", 30),
    node("hkt", 40),
    node("jp", 50),
  ];
  const exits = { gcp: { through: [relay, gcp] }, hkt: { through: [relay, hkt] }, jp: { through: [jp] } } as const;
  new ExitNetwork(stack, "net", { entry: sz, exits, ...(clients === undefined ? {} : { clients }), ...more });
}

describe("GIVEN an ExitNetwork", () => {
  test("the host where the ways part decides: HK of two, SZ of these and the third", () => {
    const synthesized = synthesizeOf(
      (stack) => network(stack, { phone: { exit: ["gcp", "hkt"] }, laptop: { exit: ["gcp", "hkt", "jp"] }, tv: { exit: "gcp" } }),
      files,
    );
    const names = (node: string) => (synthesized.files[`${node}/etc/wgchain/failover`] ?? "").match(/^\S+/gm);
    expect(names("hk")).toEqual(["gcp:wg-gcp,hkt:wg-hkt"]);
    expect(names("sz")).toEqual(["gcp:wg-hk.wg-gcp,jp:wg-jp"]);
  });

  test.each([[["gcp", "jp", "hkt"]], [["gcp", "gcp"]], [["gcp", "moon"]], [[]]])("a client that wants %j", (exit) => {
    expect(problemsOf((stack) => network(stack, { phone: { exit } }), files)).toMatchSnapshot();
  });
});

test("stages: ways that part twice", () => {
  const ways = { a: ["x", "y", "a"], b: ["x", "y", "b"], c: ["x", "c"] };
  const told = stagesOf("e", ways, [["b", "a", "c"]]).map(
    ({ node, list, hops }) =>
      `${node} ${listName(list)}: ${hops.map((hop) => `${hop.name} for ${listName(hop.list)}`).join("; ")}`,
  );
  expect(told).toMatchInlineSnapshot(`
   [
     "e b-or-a-or-c: e-x for b-or-a-or-c",
     "x b-or-a-or-c: x-y for b-or-a; x-c for c",
     "y b-or-a: y-b for b; y-a for a",
   ]
  `);
});
