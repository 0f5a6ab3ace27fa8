import { Host, commands, describeAsRoot, withInterface } from "./host/host";
import { type Payload, hongKong, keyPair, publicKey } from "./host/payload";

// An own route names the address that it is sent from, which a live interface may not have yet.
jest.setTimeout(60_000);

const keys = { wgp: keyPair(), wg6: keyPair() };
const before = hongKong(keys, publicKey(), publicKey());
/** wg6 has had a label alone, and gets an address of its own with a route. */
const withRoute = (source: string): Payload => ({
  ...withInterface(before, "wg6", { addresses: ["10.66.6.250/32", `${source}/32`] }),
  rules: [
    ...before.rules,
    `pref 10080 from 0.0.0.0/32 to 1.1.1.1/32 iif lo lookup 7710 protocol 119`,
    `pref 10080 from ${source}/32 to 1.1.1.1/32 iif lo lookup 7710 protocol 119`,
    "pref 10100 from 10.66.6.0/24 iif lo lookup 7700 protocol 119",
  ],
  routes: [
    ...before.routes,
    `1.1.1.1/32 dev wg6 src ${source} table 7710 protocol 119`,
    "unreachable default table 7710 metric 4278198272 protocol 119",
  ],
});

describeAsRoot("an own route", () => {
  let h: Host;
  const asked = (query: string): string => h.machine.run(`ip route get ${query}`).out;
  beforeAll(async () => {
    h = await Host.start("own");
    h.giveKeys(keys);
    h.machine.ok("ip link add up0 type veth peer name up1; ip link set up1 up");
    h.machine.ok("ip addr add 203.0.113.9/24 dev up0; ip link set up0 up; ip route replace default dev up0");
    h.deploy(before);
  });
  afterAll(() => h.machine.stop());

  test("comes to a live interface with its address, and what the host begins is sent from that", () => {
    expect(asked("1.1.1.1")).toMatch(/dev up0 .*src 203\.0\.113\.9/);
    h.deploy(withRoute("10.66.6.251"));
    expect(asked("1.1.1.1")).toMatch(/dev wg6 table 7710 src 10\.66\.6\.251/);
    expect(asked("1.1.1.1 from 10.66.6.251")).toMatch(/dev wg6 table 7710/);
    expect(commands(h.verb("repair"))).toEqual([]);
  });

  test("takes neither its neighbours, nor answers to who calls the host from there", () => {
    for (const query of ["1.1.1.0", "1.1.1.2", "1.1.1.1 from 203.0.113.9"]) expect(asked(query)).toContain(" dev up0 ");
  });

  test("gets another address in one step", () => {
    const ran = h.deploy(withRoute("10.66.6.252"));
    expect(ran.filter((line) => / 1\.1\.1\.1 dev /.test(line))).toEqual([
      "ip -4 route replace 1.1.1.1 dev wg6 src 10.66.6.252 table 7710 protocol 119",
    ]);
    expect(asked("1.1.1.1")).toMatch(/dev wg6 table 7710 src 10\.66\.6\.252/);
    expect(commands(h.verb("repair"))).toEqual([]);
  });

  test("leads nowhere while the tunnel is down, and to it again once it is up", () => {
    h.machine.ok("wg-quick down wg6");
    expect(h.machine.run("ip route get 1.1.1.1").status).not.toBe(0);
    expect(h.machine.run("ip route get 1.1.1.1 from 203.0.113.9").status).toBe(0);
    h.machine.ok("wg-quick up wg6");
    expect(asked("1.1.1.1")).toMatch(/dev wg6 table 7710 src 10\.66\.6\.252/);
  });
});
