import { add, put, tinyTrace } from "./support/tiny";

describe("a line that is not known is refused by file and line", () => {
  test.each([
    [
      "a rule",
      { rules: add("pref 9 dsfield 4 lookup 8 protocol 119") },
      "a:/etc/wgchain/rules:3: pref 9 dsfield 4 lookup 8 protocol 119 ('dsfield' of an ip rule)",
    ],
    ["a rule without a table", { rules: add("pref 9 iif cl protocol 119") }, "(no priority or no table)"],
    [
      "a route",
      { routes: add("blackhole default table 8 protocol 119") },
      "a:/etc/wgchain/routes:4: blackhole default table 8 protocol 119 (no route of ours)",
    ],
    ["a route by another interface", { routes: add("default dev eth0 table 9 protocol 119") }, "(eth0 is no interface of ours)"],
    ["an interface", { interfaces: add("wx mtu 1440") }, "a:/etc/wgchain/interfaces:3: wx mtu 1440 (no interface)"],
    ["a sysctl", { sysctl: add("net.ipv4.ip_forward") }, "a:/etc/sysctl.d/90-wgchain.conf:5: net.ipv4.ip_forward (no sysctl)"],
    ["a statement of nftables", { nft: put("snat to ip saddr map @labels", "snat to 10.1.0.2") }, "(near 'snat to 10.1.0.2')"],
    ["a match of nftables", { nft: put('oifname "wg"', "meta l4proto tcp") }, "(near 'meta l4proto tcp snat')"],
    [
      "a chain's hook",
      { nft: put("hook postrouting priority srcnat", "hook postrouting priority late") },
      "chain leave has no hook that is known",
    ],
    ["a chain's policy", { nft: put("policy accept", "policy drop") }, "(a chain's type)"],
    ["a rule outside of chains", { nft: put("chain leave {\n", "") }, "a:/etc/wgchain/nftables.nft:18: type nat"],
    ["another table", { nft: put("table ip wgchain", "table ip6 wgchain") }, "(outside of table ip wgchain)"],
    ["a table without end", { nft: put(/\}\n$/, "") }, "(the table does not end)"],
    ["a map that is not declared", { nft: put("map labels {", "map label {") }, "(near 'snat to ip saddr')"],
    [
      "a map of another type",
      { nft: put("map labels {\n  type ipv4_addr : ipv4_addr", "map labels {\n  type ipv4_addr : mark") },
      "(near 'snat to ip saddr')",
    ],
    [
      "an element of no set",
      { elements: add("nothing 10.0.0.1") },
      "a:/etc/wgchain/elements:3: nothing 10.0.0.1 (no set or map nothing is declared)",
    ],
    ["an element of another type", { elements: add("labels 10.2.0.4 : 0x5") }, "(labels holds ipv4_addr : ipv4_addr)"],
    ["a prefix where single addresses are", { elements: add("labels 10.2.0.8/29 : 10.1.0.2") }, "(labels holds no prefixes)"],
    ["an element twice", { elements: add("labels 10.2.0.2 : 10.1.0.9") }, "(twice; it stands in line 1, too)"],
    ["a word of no meaning", { elements: add("labels") }, "(no element of a set or map)"],
  ])("%s", (_name, changed, says) => {
    const said = () => tinyTrace({ a: changed });
    expect(said).toThrow("the trace cannot read a:/etc/");
    expect(said).toThrow(says);
  });
});
