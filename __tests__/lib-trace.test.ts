import { World, trace } from "../lib/trace";
import { Ruleset, runChain } from "../lib/trace/nft";
import type { Packet } from "../lib/trace/packet";
import { packetTo } from "../lib/trace/trace";
import { add, put, table, tinyStack, tinyTrace, way } from "./support/tiny";

/** Each rule of the kernel and of WireGuard once, on two hosts written by hand. */

const all = "c>wg 10.2.0.2, a>wg 10.1.0.2, b>(uplink) 198.51.100.2: left at b";

test("as written it leaves at b, and an answer comes back the same way", () => {
  const found = tinyTrace();
  expect(way(found)).toBe(all);
  expect(found.verdict.address).toBe("198.51.100.2");
  expect(found.reply && way(found.reply)).toBe("b>wg 9.9.9.9, a>cl 9.9.9.9, c: delivered at c");
  expect(found.hops.map(({ answers }) => answers)).toEqual([undefined, "10.2.0.1", "10.1.0.1"]);
  expect(found.hops[1]?.lines).toEqual([
    "a:/etc/wgchain/rules:2: pref 200 iif cl lookup 8 protocol 119",
    "a:/etc/wgchain/routes:2: default dev wg table 8 protocol 119",
    "a:/etc/wgchain/elements:1: labels 10.2.0.2 : 10.1.0.2",
    'a:/etc/wgchain/nftables.nft:20: oifname "wg" snat to ip saddr map @labels',
    "a:/etc/wgchain/peers:2: wg KB 198.51.100.2:3 0.0.0.0/0 25 (none) b",
  ]);
});

describe("rules and routes", () => {
  test.each([
    [
      "the lower priority first, wherever it stands",
      "pref 150 iif cl lookup main protocol 119",
      "a>(uplink) 10.2.0.2: left at a",
    ],
    ["the higher one after it", "pref 250 iif cl lookup main protocol 119", "a>wg 10.1.0.2"],
    ["not for another interface", "pref 150 iif wg lookup main protocol 119", "a>wg 10.1.0.2"],
    ["by source", "pref 150 from 10.2.0.2/31 lookup main protocol 119", "a>(uplink) 10.2.0.2: left at a"],
    ["not by another source", "pref 150 from 10.2.0.3/32 lookup main protocol 119", "a>wg 10.1.0.2"],
    ["by destination", "pref 150 to 9.0.0.0/8 lookup main protocol 119", "a>(uplink) 10.2.0.2: left at a"],
    ["not to another destination", "pref 150 to 8.0.0.0/8 lookup main protocol 119", "a>wg 10.1.0.2"],
    ["not without its mark", "pref 150 fwmark 0x5 lookup main protocol 119", "a>wg 10.1.0.2"],
    ["a table without a route of its own is passed over", "pref 150 iif cl lookup 99 protocol 119", "a>wg 10.1.0.2"],
    ["before a host's own addresses nothing is asked", "pref 0 to 198.51.100.1/32 lookup 8 protocol 119", "a>wg 10.1.0.2"],
  ])("%s", (_name, rule, expected) => {
    expect(way(tinyTrace({ a: { rules: (text) => `${rule}\n${text}` } }))).toContain(expected);
  });
  test("the mark that nftables set", () => {
    const marked = {
      rules: add("pref 150 fwmark 0x5 lookup main protocol 119"),
      nft: () => table(["select", "filter hook prerouting priority mangle", 'iifname "cl" meta mark set ip saddr map @marked']),
      elements: () => "marked 10.2.0.2 : 0x5\n",
    };
    expect(way(tinyTrace({ a: marked }))).toContain("a>(uplink) 10.2.0.2: left at a");
    expect(way(tinyTrace({ a: marked }, { source: "10.2.0.3" }))).toContain("a>wg 10.2.0.3");
  });
  test("the longest prefix in a table, and of one prefix the least metric", () => {
    expect(way(tinyTrace({ a: { routes: add("unreachable 9.9.9.0/24 table 8 metric 99 protocol 119") } }))).toContain(
      "unreachable at a",
    );
    expect(way(tinyTrace({ a: { routes: add("unreachable default table 8 metric 0 protocol 119") } }))).toContain("a>wg");
    expect(way(tinyTrace({ a: { routes: put("default dev wg", "default dev cl") } }))).toContain("dropped at a");
  });
  test("unreachable ends it, where a table without any route would fall through to main", () => {
    const down = (stack: ReturnType<typeof tinyStack>) =>
      trace(World.of(stack, { down: ["a/wg"] }), { at: "c", source: "10.2.0.2", destination: "9.9.9.9" });
    const found = down(tinyStack());
    expect(way(found)).toBe("c>wg 10.2.0.2, a: unreachable at a");
    expect(found.verdict).toMatchObject({
      answers: "10.2.0.1",
      line: "a:/etc/wgchain/routes:3: unreachable default table 8 metric 9 protocol 119",
    });
    expect(way(down(tinyStack({ a: { routes: put(/^unreachable.*\n/m, "") } })))).toContain("a>(uplink) 10.2.0.2: left at a");
  });
});

describe("WireGuard", () => {
  test("AllowedIPs choose the peer of what is sent", () => {
    const { verdict } = tinyTrace({ a: { peers: put("0.0.0.0/0", "9.9.9.8/32") } });
    expect(verdict).toMatchObject({
      end: "dropped",
      at: "a",
      why: "no peer of wg has 9.9.9.9 in its AllowedIPs (required key not available)",
      line: "a:/etc/wgchain/peers:2: wg KB 198.51.100.2:3 9.9.9.8/32 25 (none) b",
    });
  });
  test("AllowedIPs bound what a peer may send", () => {
    const { verdict } = tinyTrace({ b: { peers: put("10.1.0.0/24", "10.1.0.3/32") } });
    expect(verdict).toMatchObject({ end: "dropped", at: "b", why: "10.1.0.2 is not in the AllowedIPs of peer a on wg" });
    expect(tinyTrace({ a: { peers: put("10.2.0.2/32,", "") } }).verdict).toMatchObject({ end: "dropped", at: "a" });
  });
  test("of two peers with one prefix the later has it", () => {
    const twice = add("wg\tKX\t(none)\t0.0.0.0/0\toff\t(none)\tx");
    expect(tinyTrace({ a: { peers: twice } }).verdict.why).toBe("nobody has the private key of peer x on wg");
  });
  test.each([
    ["its endpoint is no address of the peer", { peers: put("198.51.100.2:", "198.51.100.9:") }, "is no address of b"],
    ["its endpoint has another port", { peers: put("198.51.100.2:3", "198.51.100.2:4") }, "wg of b listens on 3"],
    [
      "its endpoint is routed into a tunnel",
      { rules: add("pref 90 to 198.51.100.2/32 lookup 8 protocol 119") },
      "is routed to wg",
    ],
    ["the pre-shared keys differ", { peers: put("25\t(none)", "25\tabc") }, "the pre-shared keys of a and b differ"],
    ["neither end has an endpoint", { peers: put("198.51.100.2:3", "(none)") }, "neither end has an endpoint of the other"],
  ])("no tunnel when %s", (_name, changed, why) => {
    const { verdict } = tinyTrace({ a: changed });
    expect(verdict).toMatchObject({ end: "dropped", at: "a" });
    expect(verdict.why).toContain(why);
  });
  test("by the private link, with its MTU", () => {
    const found = tinyTrace({ a: { peers: put("198.51.100.2:3", "172.16.0.2:3") } });
    expect(way(found)).toBe(all);
    expect([tinyTrace().hops[1]?.linkMtuBytes, found.hops[1]?.linkMtuBytes]).toEqual([1440, 1540]);
  });
  test("an endpoint that only apply knows leads to whoever has it", () => {
    const deferred = (of: Parameters<Parameters<typeof tinyStack>[1] & object>[0]) => ({
      ...of,
      nodes: of.nodes.map((node) => (node.name === "b" ? { ...node, address: "@{b_address}", deferred: "x.y.address" } : node)),
    });
    expect(tinyTrace({ a: { peers: put("198.51.100.2:", "@{b_address}:") } }, {}, deferred).verdict).toMatchObject({
      end: "left",
      at: "b",
      address: "@{b_address}",
    });
    expect(tinyTrace({ a: { peers: put("198.51.100.2:", "@{c_address}:") } }, {}, deferred).verdict.why).toContain(
      "is no address of b",
    );
  });
});

describe("connection tracking", () => {
  test("an answer finds back through both NATs; what nobody asked for does not", () => {
    expect(tinyTrace().reply?.hops.map(({ destination }) => destination)).toEqual(["10.1.0.2", "10.2.0.2", "10.2.0.2"]);
    const stray = tinyTrace({}, { at: "internet", source: "9.9.9.9", destination: "198.51.100.2" });
    expect(way(stray)).toBe("b: delivered at b");
  });
  test("the mark of a connection comes back with its answers", () => {
    const b = (save: string) => ({
      nft: () =>
        table(
          ["select", "filter hook prerouting priority mangle", 'iifname "wg" meta mark set ip saddr map @marked'],
          [
            "remember",
            "filter hook prerouting priority mangle + 1",
            ...[save].filter(Boolean),
            "iifname != @own ct direction reply ct mark @marks meta mark set ct mark",
          ],
          ["leave", "nat hook postrouting priority srcnat", "oifname != @own masquerade"],
        ),
      elements: () => 'own "wg"\nmarks 0x5\nmarked 10.1.0.2 : 0x5\n',
    });
    const marks = (save: string) => tinyTrace({ b: b(save) }).reply?.hops[0]?.mark;
    expect(marks("iifname @own meta mark @marks ct mark set meta mark")).toBe(5);
    expect(marks("")).toBe(0);
  });
  test("NAT is decided by the first packet: an answer is not given another source", () => {
    const both = put(
      "chain leave {\n  type nat hook postrouting priority srcnat; policy accept;\n",
      (whole) => `${whole}  oifname "cl" masquerade\n`,
    );
    expect(tinyTrace({ a: { nft: both } }).reply?.hops.map(({ source }) => source)).toEqual(["9.9.9.9", "9.9.9.9", "9.9.9.9"]);
  });
  test("the direction of a connection", () => {
    const found = tinyTrace({
      b: {
        nft: () =>
          table(
            ["forward", "filter hook forward priority filter", "ct direction reply drop"],
            ["leave", "nat hook postrouting priority srcnat", 'oifname != "wg" masquerade'],
          ),
      },
    });
    expect([found.verdict.end, found.reply?.verdict.end]).toEqual(["left", "dropped"]);
  });
  test("masquerade takes the address of the interface, SNAT the map's", () => {
    expect(tinyTrace({ a: { nft: put("snat to ip saddr map @labels", "masquerade") } }).hops[1]?.source).toBe("10.1.0.2");
    expect(tinyTrace({ a: { elements: put("10.2.0.2 : 10.1.0.2", "10.2.0.2 : 10.1.0.7") } }).hops[1]?.source).toBe("10.1.0.7");
    expect(tinyTrace({ a: { elements: put("labels 10.2.0.2 : 10.1.0.2\n", "") } }).hops[1]?.source).toBe("10.2.0.2");
  });
});

describe("time to live and size", () => {
  test.each([
    [1, "a", "10.2.0.1"],
    [2, "b", "10.1.0.1"],
  ])("TTL %i ends at %s, which says so from %s", (ttl, at, answers) => {
    expect(tinyTrace({}, { ttl }).verdict).toMatchObject({ end: "expired", at, answers });
  });
  test("TTL 3 is enough", () => expect(tinyTrace({}, { ttl: 3 }).verdict.end).toBe("left"));

  const narrow = { interfaces: put("wg mtu 1440", "wg mtu 1400") };
  test("what does not fit is told, or cut where it may be", () => {
    expect(tinyTrace({ a: narrow }, { sizeBytes: 1401, dontFragment: true }).verdict).toMatchObject({
      end: "too-big",
      at: "a",
      mtuBytes: 1400,
      answers: "10.2.0.1",
    });
    expect(tinyTrace({ a: narrow }, { sizeBytes: 1400, dontFragment: true }).verdict.end).toBe("left");
    const cut = tinyTrace({ a: narrow }, { sizeBytes: 1401 });
    expect([cut.verdict.end, cut.hops[1]?.fragments]).toEqual(["left", true]);
    expect(cut.mtuBytes).toBe(1400);
  });
  test("a client whose own MTU it exceeds", () => {
    expect(tinyTrace({}, { sizeBytes: 1441, dontFragment: true }).verdict).toMatchObject({
      end: "too-big",
      at: "c",
      mtuBytes: 1440,
    });
  });
  test("WireGuard's packet around it does not fit the link: padded to 16 bytes, and 60 more", () => {
    const wide = { interfaces: put("wg mtu 1440", "wg mtu 1460") };
    const fragments = (sizeBytes: number) =>
      tinyTrace({ a: wide }, { sizeBytes }, (of) => ({ ...of, clients: of.clients.map((one) => ({ ...one, mtuBytes: 1500 })) }))
        .hops[1]?.fragments;
    expect([fragments(1440), fragments(1441)]).toEqual([undefined, true]);
  });
  test("a link of another size, which the padding counts against", () => {
    const fragments = (sizeBytes: number) =>
      tinyTrace({}, { sizeBytes }, (of) => ({ ...of, nodes: of.nodes.map((one) => ({ ...one, uplinkMtuBytes: 1490 })) })).hops[1]
        ?.fragments;
    expect([fragments(1424), fragments(1425)]).toEqual([undefined, true]);
  });
  test.each(["tcp", "icmp"] as const)("TCP gets the least clamp on its way, other protocols none: %s", (protocol) => {
    const clamp = (mss: number): string => `tcp flags syn / syn,rst tcp option maxseg size set ${mss}`;
    const { chains } = new Ruleset("a", table(["forward", "filter hook forward priority filter", clamp(1300), clamp(1400)]), "");
    const packet: Packet = { ...packetTo(1, 2), protocol };
    for (const chain of chains) runChain(chain, { packet, iif: "cl", oif: "wg", flow: undefined, reply: false });
    expect(packet.mssBytes).toBe(protocol === "tcp" ? 1300 : undefined);
  });
});

describe("the check of a packet's source", () => {
  const filter = (value: "0" | "1" | "2", more = "") =>
    value === "0" ? {} : { sysctl: (text: string) => text.replace("cl.rp_filter = 0", `cl.rp_filter = ${value}`) + more };
  /** The answer would go to the uplink. */
  const astray = {
    rules: put("to 10.2.0.0/24 lookup 7 ", "to 10.2.0.0/24 lookup main "),
    addresses: put("cl 10.2.0.1/24", "cl 10.2.0.1/32"),
  };
  test.each([
    ["0 asks for nothing", "0", astray, "left"],
    ["1 asks for the same interface", "1", {}, "left"],
    ["1, and the way back is by another", "1", astray, "dropped"],
    ["2 asks for any way back", "2", astray, "left"],
  ] as const)("%s", (_name, value, more, end) => {
    expect(tinyTrace({ a: { ...filter(value), ...more } }).verdict.end).toBe(end);
  });
  test("the greater of all and the interface's own", () => {
    const strict = { sysctl: put("all.rp_filter = 0", "all.rp_filter = 1"), ...astray };
    expect(tinyTrace({ a: strict }).verdict).toMatchObject({
      end: "dropped",
      why: "reverse-path filter 1 on cl, asked for no mark: the way back to 10.2.0.2 is by (uplink)",
    });
  });
  test("2 drops where there is no way back at all", () => {
    const loose = {
      ...filter("2"),
      rules: add("pref 90 from 9.9.9.9/32 lookup 9 protocol 119"),
      routes: add("unreachable default table 9 metric 9 protocol 119"),
    };
    expect(tinyTrace({ a: loose }).verdict).toMatchObject({
      end: "dropped",
      why: "reverse-path filter 2 on cl, asked for no mark: there is no way back to 10.2.0.2",
    });
  });
  test("it asks with the packet's mark only where src_valid_mark is set", () => {
    const marked = {
      nft: () => table(["select", "filter hook prerouting priority mangle", 'iifname "cl" meta mark set ip saddr map @marked']),
      elements: () => "marked 10.2.0.2 : 0x5\n",
      rules: (text: string) =>
        `pref 80 to 10.2.0.0/24 fwmark 0x5 lookup 7 protocol 119\npref 90 from 9.9.9.9/32 lookup 9 protocol 119\n${text}`,
      routes: add("unreachable default table 9 metric 9 protocol 119"),
    };
    const why = (more: string) => tinyTrace({ a: { ...marked, ...filter("1", more) } }).verdict.why;
    expect(why("")).toBe(
      "reverse-path filter 1 on cl, asked for no mark, its mark 0x5 does not count without src_valid_mark: there is no way back to 10.2.0.2",
    );
    expect(why("net.ipv4.conf.all.src_valid_mark = 1\n")).not.toContain("reverse-path filter");
  });
  test("it asks as if the answer had come in by where the packet goes to", () => {
    const asked = (iif: string) => {
      const rules = add(`pref 90 from 9.9.9.9/32 iif ${iif} lookup 9 protocol 119`);
      return tinyTrace({ a: { ...filter("2"), rules, routes: add("unreachable default table 9 metric 9 protocol 119") } }).verdict
        .end;
    };
    expect([asked("wg"), asked("lo")]).toEqual(["dropped", "left"]);
  });
  test("a host's own address never comes from outside", () => {
    const { verdict } = tinyTrace({}, { at: "a/(uplink)", source: "10.2.0.1", destination: "9.9.9.9" });
    expect(verdict).toMatchObject({ end: "dropped", at: "a", why: "its source 10.2.0.1 is the host's own address" });
  });
  test("what no file sets is 2 on Debian", () => {
    const debian = { sysctl: (text: string) => text.replace(/.*cl.rp_filter.*\n/, "") };
    expect(tinyTrace({ a: debian }).verdict.end).toBe("left");
    expect(
      World.of(tinyStack({ a: debian }))
        .hosts.get("a")
        ?.rpFilter("cl"),
    ).toBe(2);
  });
});

describe("what ends elsewhere", () => {
  test("a host that does not forward still takes what is its own", () => {
    const still = { sysctl: put("ip_forward = 1", "ip_forward = 0") };
    expect(tinyTrace({ a: still }).verdict).toMatchObject({
      end: "dropped",
      at: "a",
      why: "the host does not forward (net.ipv4.ip_forward)",
    });
    expect(tinyTrace({ a: still }, { destination: "10.2.0.1" }).verdict).toMatchObject({ end: "delivered", at: "a" });
  });
  test("between two of a host's clients' addresses", () => {
    expect(way(tinyTrace({}, { destination: "10.2.0.3" }))).toBe("c>wg 10.2.0.2, a>cl 10.2.0.2, c: delivered at c");
  });
  test("by the private link from host to host", () => {
    expect(way(tinyTrace({}, { at: "a", source: "172.16.0.1", destination: "172.16.0.2" }))).toBe(
      "a>(private link) 172.16.0.1, b: delivered at b",
    );
  });
  test("on the private link nobody forwards to whom it does not know", () => {
    expect(
      tinyTrace({ a: { rules: add("pref 90 to 172.16.0.0/30 lookup main protocol 119") } }, { destination: "172.16.0.3" }).verdict
        .why,
    ).toBe("nobody on the private link has this address");
  });
  test("a ring of hosts ends as a loop where no time to live would", () => {
    const ring = {
      b: {
        rules: () => "pref 90 iif wg lookup 8 protocol 119\n",
        routes: () => "default dev wg table 8 protocol 119\n",
        peers: put("10.1.0.0/24", "0.0.0.0/0"),
      },
    };
    const { verdict } = tinyTrace(
      {
        a: { rules: () => "pref 90 iif cl lookup 8 protocol 119\npref 90 iif wg lookup 8 protocol 119\n", elements: () => "" },
        ...ring,
      },
      { ttl: 255 },
    );
    expect(verdict.end).toBe("loop");
  });
  test("nobody of that name", () => {
    expect(() => tinyTrace({}, { at: "d" })).toThrow("there is no 'd' in the network; it has c, a, b");
  });
});
