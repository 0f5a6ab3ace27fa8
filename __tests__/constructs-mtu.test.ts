import { removeTemporaryDirectories } from "./support/directory";
import { problems, synthesize } from "./support/synth";

afterAll(removeTemporaryDirectories);

describe("GIVEN the reference network, WHEN an MTU is out of range, THEN synth says the range", () => {
  test("a tunnel's over what its link leaves (1460 - 60)", () => {
    expect(problems({ wg6: { mtuBytes: 1401 } })).toMatchInlineSnapshot(
      `"net/wg6: mtuBytes (the link has 1460, WireGuard over IPv4 takes 60 of it) 1401 is out of range; take a whole number from 576 to 1400"`,
    );
  });
  test("a tunnel's under what every host must take", () => {
    expect(problems({ wg6: { mtuBytes: 575 } })).toMatchInlineSnapshot(
      `"net/wg6: mtuBytes (the link has 1460, WireGuard over IPv4 takes 60 of it) 575 is out of range; take a whole number from 576 to 1400"`,
    );
  });
  test("the clients' interface's", () => {
    expect(problems({ wgs: { mtuBytes: 1441 } })).toMatchInlineSnapshot(
      `"net/sz/wgs: mtuBytes (the uplink has 1500) 1441 is out of range; take a whole number from 576 to 1440"`,
    );
  });
  test("a link's", () => {
    expect(problems({ hkt: { mtuBytes: 575 }, sz: { privateMtuBytes: 9217 } })).toMatchInlineSnapshot(`
     "net/sz: privateMtuBytes 9217 is out of range; take a whole number from 576 to 9216
     net/hkt: mtuBytes 575 is out of range; take a whole number from 576 to 9216"
    `);
  });
  test.each([1299, 8897])("Google's network's: %i", (networkMtuBytes) => {
    expect(problems({ gcpHost: { networkMtuBytes } })).toBe(
      `net/gcp: networkMtuBytes ${networkMtuBytes} is out of range; take a whole number from 1300 to 8896`,
    );
  });
});

describe("GIVEN the reference network, WHEN MTUs are unequal, THEN synth says both", () => {
  test("at the ends of a tunnel", () => {
    expect(problems({ wg6: { serverEnd: { mtuBytes: 1400 }, clientEnd: { mtuBytes: 1380 } } })).toMatchInlineSnapshot(
      `"net/wg6: MTU is 1400 on the server end and 1380 on the client end; packets of the larger would be lost, so set one mtuBytes on the tunnel"`,
    );
  });
  test("on one end of a tunnel against the tunnel's", () => {
    expect(problems({ wg6: { mtuBytes: 1400, clientEnd: { mtuBytes: 1380 } } })).toMatchInlineSnapshot(
      `"net/wg6: MTU is 1400 on the server end and 1380 on the client end; packets of the larger would be lost, so set one mtuBytes on the tunnel"`,
    );
  });
  test("at the ends of the private line", () => {
    expect(problems({ sz: { privateMtuBytes: 1600 } })).toMatchInlineSnapshot(
      `"net/wgp: the private link has MTU 1500 on 'hk' and 1600 on 'sz'; set privateMtuBytes alike on both"`,
    );
  });
});

describe("GIVEN Google's network with an MTU, THEN the tunnel's follows from it on both ends", () => {
  const mtuOf = (files: Readonly<Record<string, string>>, file: string): string =>
    /^MTU = (\d+)$/m.exec(files[file] ?? "")?.[1] ?? "";
  test.each([
    [1300, 1240],
    [1460, 1400],
    // HK's own link, 1500, is the lesser from here on.
    [1500, 1440],
    [8896, 1440],
  ])("%i gives %i", (networkMtuBytes, tunnel) => {
    const { files, resource } = synthesize({ gcpHost: { networkMtuBytes } });
    expect(resource["google_compute_network"]?.["gcp_network"]?.["mtu"]).toBe(networkMtuBytes);
    expect([mtuOf(files, "gcp/etc/wireguard/wg6.conf"), mtuOf(files, "hk/etc/wireguard/wg6.conf")]).toEqual([
      `${tunnel}`,
      `${tunnel}`,
    ]);
  });
});
