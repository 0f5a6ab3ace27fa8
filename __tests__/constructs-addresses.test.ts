import { SnatLabel, WgTunnel } from "../constructs";
import { removeTemporaryDirectories } from "./support/directory";
import { problems } from "./support/synth";

afterAll(removeTemporaryDirectories);

describe("GIVEN the reference network, WHEN an address is malformed, THEN synth says what was got and what to write", () => {
  test("a number over 255", () => {
    expect(problems({ szHost: { address: "198.51.100.256" } })).toMatchInlineSnapshot(
      `"net/sz: address '198.51.100.256' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2"`,
    );
  });
  test("a short form", () => {
    expect(problems({ client2: { addresses: ["10.66.3"] }, szGcp: { from: ["10.66.224.2"] } })).toMatchInlineSnapshot(
      `"net/sz/wgs/client2: address '10.66.3' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2"`,
    );
  });
  test("a leading zero, which C libraries read as octal", () => {
    expect(problems({ wg6: { serverAddress: "10.66.6.06" } })).toMatchInlineSnapshot(
      `"net/wg6: serverAddress '10.66.6.06' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2"`,
    );
  });
  test("a name where an address belongs", () => {
    expect(problems({ hktHost: { address: "hkt.example" } })).toMatchInlineSnapshot(
      `"net/hkt: address 'hkt.example' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2"`,
    );
  });
  test("a prefix where an address belongs", () => {
    expect(problems({ viaGcp: { address: "10.66.220.224/32" } })).toMatchInlineSnapshot(
      `"net/via-gcp: address '10.66.220.224/32' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2"`,
    );
  });
  test("a policy's source in a short form", () => {
    expect(problems({ szHkt: { from: ["10.66/16"] } })).toMatchInlineSnapshot(
      `"net/sz-hkt: source '10.66/16' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2"`,
    );
  });
});

describe("GIVEN the reference network, WHEN a prefix is wrong, THEN synth says which", () => {
  test("host bits in a tunnel's network", () => {
    expect(problems({ wgp: { network: "10.66.220.7/24" } })).toMatchInlineSnapshot(
      `"net/wgp: network '10.66.220.7/24' has host bits set; write 10.66.220.0/24 for the network"`,
    );
  });
  test("host bits in a policy's source", () => {
    expect(problems({ szHkt: { from: ["10.66.225.2/24"] } })).toMatchInlineSnapshot(
      `"net/sz-hkt: source '10.66.225.2/24' has host bits set; write 10.66.225.0/24 for the network"`,
    );
  });
  test("no length", () => {
    expect(problems({ wg7: { network: "10.66.7.0" } })).toMatchInlineSnapshot(
      `"net/wg7: network '10.66.7.0' is not ADDRESS/LENGTH; write a length from 0 to 32, e.g. 10.66.224.0/19"`,
    );
  });
  test("a length over 32", () => {
    expect(problems({ wg7: { network: "10.66.7.0/33" } })).toMatchInlineSnapshot(
      `"net/wg7: network '10.66.7.0/33' is not ADDRESS/LENGTH; write a length from 0 to 32, e.g. 10.66.224.0/19"`,
    );
  });
  test("the network's own address on the clients' interface", () => {
    expect(problems({ wgs: { address: "10.66.224.0/19" } })).toMatchInlineSnapshot(
      `"net/sz/wgs: address '10.66.224.0/19' is the network's own or its broadcast address; take one in between, e.g. 10.66.224.1/19"`,
    );
  });
});

describe("GIVEN the reference network, WHEN networks overlap, THEN synth names both", () => {
  test("two tunnels", () => {
    expect(
      problems({ wg7: { network: "10.66.6.0/25", serverAddress: "10.66.6.7", clientAddress: "10.66.6.8" } }),
    ).toMatchInlineSnapshot(
      `"net/wg7: network 10.66.6.0/25 of tunnel 'wg7' overlaps 10.66.6.0/24 of tunnel 'wg6' (net/wg6); give one of them another network"`,
    );
  });
  test("a tunnel and the clients", () => {
    expect(
      problems({ wg7: { network: "10.66.230.0/24", serverAddress: "10.66.230.7", clientAddress: "10.66.230.8" } }),
    ).toMatchInlineSnapshot(
      `"net/wg7: network 10.66.230.0/24 of tunnel 'wg7' overlaps 10.66.224.0/19 of clients of 'wgs' (net/sz/wgs); give one of them another network"`,
    );
  });
  test("a tunnel and the private line", () => {
    expect(problems({ wg7: { network: "172.16.0.0/24", serverAddress: "172.16.0.7", clientAddress: "172.16.0.8" } }))
      .toMatchInlineSnapshot(`
     "net/sz: network 172.16.0.0/30 of private link overlaps 172.16.0.0/24 of tunnel 'wg7' (net/wg7); give one of them another network
     net/wg7: network 172.16.0.0/24 of tunnel 'wg7' holds 172.16.0.1, the privateAddress of 'sz': rules for it would catch that host's underlay, endpoint and SSH traffic; take another network
     net/wg7: network 172.16.0.0/24 of tunnel 'wg7' holds 172.16.0.2, the privateAddress of 'hk': rules for it would catch that host's underlay, endpoint and SSH traffic; take another network"
    `);
  });
  test("a tunnel and a subnetwork at Google", () => {
    expect(problems({ gcpHost: { subnetwork: "10.66.6.0/24" } })).toMatchInlineSnapshot(
      `"net/gcp: network 10.66.6.0/24 of subnetwork of 'gcp' overlaps 10.66.6.0/24 of tunnel 'wg6' (net/wg6); give one of them another network"`,
    );
  });
  test("a tunnel's network that holds a host's public address: rules for it would catch SSH and endpoints", () => {
    expect(problems({ wg7: { network: "198.51.100.0/27", serverAddress: "198.51.100.7", clientAddress: "198.51.100.8" } }))
      .toMatchInlineSnapshot(`
     "net/wg7: network 198.51.100.0/27 of tunnel 'wg7' holds 198.51.100.10, the address of 'sz': rules for it would catch that host's underlay, endpoint and SSH traffic; take another network
     net/wg7: network 198.51.100.0/27 of tunnel 'wg7' holds 198.51.100.20, the address of 'hk': rules for it would catch that host's underlay, endpoint and SSH traffic; take another network
     net/wg7: network 198.51.100.0/27 of tunnel 'wg7' holds 198.51.100.30, the address of 'hkt': rules for it would catch that host's underlay, endpoint and SSH traffic; take another network"
    `);
  });
});

describe("GIVEN the reference network, WHEN a tunnel's or label's address is wrong, THEN synth says so", () => {
  test("a label outside its tunnel's network", () => {
    expect(problems({ viaGcp: { address: "10.66.221.224" } })).toMatchInlineSnapshot(
      `"net/via-gcp: label 10.66.221.224 can't be given to a host of 10.66.220.0/24, the network of tunnel 'wgp'; take an address in it"`,
    );
  });
  test("a label that is the network's broadcast address", () => {
    expect(problems({ viaGcp: { address: "10.66.220.255" } })).toMatchInlineSnapshot(
      `"net/via-gcp: label 10.66.220.255 can't be given to a host of 10.66.220.0/24, the network of tunnel 'wgp'; take an address in it"`,
    );
  });
  test("a label used twice", () => {
    expect(
      problems({}, { also: ({ stack, wgp }) => void new SnatLabel(stack, "third", { tunnel: wgp, address: "10.66.220.225" }) }),
    ).toMatchInlineSnapshot(
      `"net/third: label 10.66.220.225 is used by 'third' and label 'via-hkt'; set another address on one"`,
    );
  });
  test("a label that is the server end's address", () => {
    expect(
      problems({}, { also: ({ stack, wgp }) => void new SnatLabel(stack, "third", { tunnel: wgp, address: "10.66.220.200" }) }),
    ).toMatchInlineSnapshot(
      `"net/third: label 10.66.220.200 is used by 'third' and the server end of tunnel 'wgp'; set another address on one"`,
    );
  });
  test("a label that is the client end's address", () => {
    expect(
      problems({}, { also: ({ stack, wg6 }) => void new SnatLabel(stack, "third", { tunnel: wg6, address: "10.66.6.250" }) }),
    ).toMatchInlineSnapshot(
      `"net/third: label 10.66.6.250 is used by 'third' and the client end of tunnel 'wg6' itself; set another address on one"`,
    );
  });
  test("a server end outside the network", () => {
    expect(problems({ wg6: { serverAddress: "10.66.9.6" } })).toMatchInlineSnapshot(
      `"net/wg6: serverAddress 10.66.9.6 can't be given to a host of the tunnel's network 10.66.6.0/24; take one between its first and last address"`,
    );
  });
  test("both ends alike", () => {
    expect(problems({ wg6: { clientAddress: "10.66.6.6" } })).toMatchInlineSnapshot(
      `"net/wg6: serverAddress and clientAddress are both 10.66.6.6; set another on one"`,
    );
  });
  test("two hosts with one public address", () => {
    expect(problems({ hktHost: { address: "198.51.100.20" } })).toMatchInlineSnapshot(
      `"net/hkt: address 198.51.100.20 is used by 'hk' and 'hkt'; set another on one"`,
    );
  });
});

describe("GIVEN the reference network, WHEN clients' AllowedIPs are wrong, THEN synth says whose", () => {
  test("two clients with one address", () => {
    expect(problems({ client2: { addresses: ["10.66.224.2"] }, szGcp: { from: ["10.66.224.2"] } })).toMatchInlineSnapshot(
      `"net/sz/wgs/client2: AllowedIPs 10.66.224.2/32 of client 'client2' is claimed by client 'client': WireGuard would give it to one peer only; set another address"`,
    );
  });
  test("a client with the interface's own address", () => {
    expect(problems({ client2: { addresses: ["10.66.224.1"] } })).toMatchInlineSnapshot(
      `"net/sz/wgs/client2: AllowedIPs 10.66.224.1/32 of client 'client2' is claimed by interface 'wgs' itself: WireGuard would give it to one peer only; set another address"`,
    );
  });
  test("a client outside the interface's network", () => {
    expect(problems({ client2: { addresses: ["10.67.0.3"] } })).toMatchInlineSnapshot(
      `"net/sz/wgs/client2: address 10.67.0.3 can't be given to a client of 10.66.224.0/19 on 'wgs'; take one in it"`,
    );
  });
  test("a client without address", () => {
    expect(problems({ client2: { addresses: [] } })).toMatchInlineSnapshot(
      `"net/sz/wgs/client2: addresses is empty; give the client one"`,
    );
  });
});

describe("GIVEN the reference network, WHEN a tunnel's underlay is wrong, THEN synth says what is missing", () => {
  test("over a private line on which one end does not stand", () => {
    expect(problems({ wg7: { over: "private" } })).toMatchInlineSnapshot(
      `"net/wg7: runs over "private", but 'hkt' has no privateAddress; set it, e.g. "172.16.0.1/30""`,
    );
  });
  test("over private addresses of different networks", () => {
    expect(problems({ hkt: { privateAddress: "172.16.1.1/30" }, wg7: { over: "private" } })).toMatchInlineSnapshot(
      `"net/wg7: runs over "private", but 172.16.1.1/30 of 'hkt' and 172.16.0.2/30 of 'hk' stand in different networks"`,
    );
  });
  test("to itself", () => {
    expect(
      problems(
        {},
        {
          files: {},
          also: ({ stack, hk }) =>
            void new WgTunnel(stack, "wg6b", {
              server: hk,
              client: hk,
              network: "10.66.8.0/24",
              serverAddress: "10.66.8.1",
              serverEnd: { publicKey: "" },
              clientEnd: { publicKey: "" },
            }),
        },
      ),
    ).toMatchInlineSnapshot(`
     "net/wg6b: public key of interface wg6b of hk (publicKey) is not a WireGuard public key (44 characters of base64 ending in '='); what was given is not shown, in case it is secret
     net/wg6b: public key of interface wg6b of hk (publicKey) is not a WireGuard public key (44 characters of base64 ending in '='); what was given is not shown, in case it is secret
     net/wg6b: server and client are both 'hk'; a tunnel joins two nodes"
    `);
  });
});

test("GIVEN three mistakes in three constructs, THEN all three are reported at once", () => {
  expect(
    problems({ wgp: { network: "10.66.220.7/24" }, viaHkt: { address: "10.66.220.999" }, szHkt: { from: ["10.66.225.02"] } }),
  ).toMatchInlineSnapshot(`
   "net/wgp: network '10.66.220.7/24' has host bits set; write 10.66.220.0/24 for the network
   net/via-hkt: address '10.66.220.999' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2
   net/sz-hkt: source '10.66.225.02' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2"
  `);
});
