import { Host, RemovedNode, type RemovedNodeProps } from "../constructs";
import { removeTemporaryDirectories } from "./support/directory";
import type { Reference } from "./support/reference";
import { problems, synthesize } from "./support/synth";

afterAll(removeTemporaryDirectories);

const removed = (id: string, props: RemovedNodeProps) =>
  problems({}, { also: ({ stack }) => void new RemovedNode(stack, id, props) });
const address = "198.51.100.40";
const host = Host.ssh({ address });

describe("GIVEN a node that has left, WHEN what is written of it is wrong, THEN synth refuses it as it would for one that stays", () => {
  test("name", () => {
    expect(removed("old", { host, name: "old;reboot" })).toMatchInlineSnapshot(
      `"net/old: node name 'old;reboot' may hold only letters, digits, dash and underscore, not start with a dash, and have 1 to 63 characters"`,
    );
    expect(removed("7up", { host })).toMatchInlineSnapshot(`"net/7up: node name '7up' must start with a letter"`);
  });
  test("address", () => {
    expect(removed("old", { host: Host.ssh({ address: "198.51.100.256" }) })).toMatchInlineSnapshot(
      `"net/old: address '198.51.100.256' is not an IPv4 address; write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.66.224.2"`,
    );
    expect(removed("old", { host, privateAddress: "172.16.0.1" })).toMatchInlineSnapshot(
      `"net/old: privateAddress '172.16.0.1' is not ADDRESS/LENGTH; write a length from 0 to 32, e.g. 10.66.224.0/19"`,
    );
  });
  test("how ssh reaches it", () => {
    expect(removed("old", { host: Host.ssh({ address, destination: "-oProxyCommand=id", user: "Root!", port: 0, jump: "-J" }) }))
      .toMatchInlineSnapshot(`
     "net/old: ssh destination '-oProxyCommand=id' may hold only letters, digits and . : @ _ -, and not start with a dash
     net/old: user 'Root!' is not a Linux user name; write e.g. root, admin or wgchain
     net/old: ssh port 0 is out of range; take a whole number from 1 to 65535
     net/old: jump host '-J' is not [USER@]HOST[:PORT]; write e.g. admin@bastion.example:2222, an IPv6 address in brackets ([2001:db8::1]:22), several joined by commas"
    `);
  });
});

describe("GIVEN a node that has left, WHEN its name is", () => {
  test("a living node's, THEN synth refuses it: that host would be cleaned", () => {
    expect(removed("old", { host, name: "hkt" })).toMatchInlineSnapshot(
      `"net/old: node 'hkt' is removed here, but 'net/hkt' has that name: its host would be cleaned; take one of the two away"`,
    );
  });
  test("another's that has left, THEN synth names both", () => {
    const twice = ({ stack }: Reference): void => {
      for (const id of ["a", "b"]) new RemovedNode(stack, id, { host, name: "old" });
    };
    expect(problems({}, { also: twice })).toMatchInlineSnapshot(
      `"net/b: node 'old' is removed by 'net/a' and 'net/b'; take one of the two away"`,
    );
  });
});

test("GIVEN a node that has left, WHEN all is well, THEN it synthesizes", () => {
  const props = { host: Host.ssh({ address, destination: "old.example", user: "admin", port: 22, jump: "[2001:db8::1]:22" }) };
  const { text } = synthesize({}, { also: ({ stack }) => void new RemovedNode(stack, "old", props) });
  expect(text).toContain("old.example");
});
