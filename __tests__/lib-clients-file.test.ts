import * as fc from "fast-check";
import { emptyClientsFile, withClient, withExit, withoutClient, withoutExpired } from "../lib/clients-file/edit";
import { parseClientsFile } from "../lib/clients-file/parse";
import { keyPair } from "./support/keys";

const problemsOf = (text: string): readonly string[] => parseClientsFile(text, "clients.yaml").problems;

describe("reading", () => {
  test("clients and revoked ones, in either layout of YAML", () => {
    const key = keyPair("x").publicKey;
    const text = `clients:\n  phone:\n    exit: gcp\n    address: 10.77.0.9\n  laptop: { exit: hkt, ownLabel: true, publicKey: "${key}" }\nrevoked:\n  old: { address: 10.77.0.4, keptUntil: 2027-02-21 }\n`;
    expect(parseClientsFile(text, "clients.yaml")).toEqual({
      file: {
        clients: { phone: { exit: "gcp", address: "10.77.0.9" }, laptop: { exit: "hkt", ownLabel: true, publicKey: key } },
        revoked: { old: { address: "10.77.0.4", keptUntil: "2027-02-21" } },
      },
      problems: [],
    });
  });

  test.each(["", "# nothing yet\n", "clients:\n", "clients: {}\nrevoked:\n", emptyClientsFile])("nobody: %j", (text) => {
    expect(parseClientsFile(text, "clients.yaml")).toEqual({ file: { clients: {}, revoked: {} }, problems: [] });
  });

  test.each([
    ["client: {}\n", "clients.yaml:1:1: the file has 'client', which means nothing here; write 'clients' or 'revoked'"],
    ["clients: [phone]\n", "clients.yaml:1:10: clients must be a map, e.g. phone: { exit: gcp }"],
    ["clients:\n  phone: gcp\n", "clients.yaml:2:10: clients.phone must be a map"],
    ["clients:\n  phone: {}\n", "clients.yaml:2:10: clients.phone has no exit; write e.g. { exit: gcp }"],
    ["clients:\n  phone:\n", "clients.yaml:2:9: clients.phone has no exit"],
    [
      "clients:\n  phone: { exit: gcp, adress: 10.0.0.1 }\n",
      "clients.yaml:2:23: clients.phone has 'adress', which means nothing here",
    ],
    [
      "clients:\n  phone: { exit: gcp, address: 10.0.0.300 }\n",
      "clients.yaml:2:32: clients.phone.address: address '10.0.0.300' is not an IPv4 address",
    ],
    ["clients:\n  phone: { exit: [] }\n", "clients.yaml:2:18: clients.phone.exit is empty; name an exit"],
    ["clients:\n  phone: { exit: [gcp, [hkt]] }\n", "clients.yaml:2:24: clients.phone.exit[1] must be a text"],
    ["clients:\n  phone: { exit: { gcp: 1 } }\n", "clients.yaml:2:18: clients.phone.exit must be a text"],
    ["clients:\n  ../phone: { exit: gcp }\n", "clients.yaml:2:13: client name '../phone' may hold only"],
    ["clients:\n  phone: { exit: gcp, ownLabel: maybe }\n", "clients.yaml:2:33: clients.phone.ownLabel must be true or false"],
    ["clients:\n  phone: { exit: gcp }\n  phone: { exit: hkt }\n", "clients.yaml:3:3: Map keys must be unique"],
    ["clients:\n  phone: { exit: gcp\n", "clients.yaml:3:1: Flow map"],
    [
      "revoked:\n  old: { address: 10.0.0.1, keptUntil: soon }\n",
      "clients.yaml:2:40: revoked.old.keptUntil: 'soon' is no day; write e.g. 2027-02-21",
    ],
    ["revoked:\n  old: { address: 10.0.0.1 }\n", "clients.yaml:2:8: revoked.old needs its address and keptUntil"],
  ])("%j is told with its place", (text, problem) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  test("a private key in the place of a public one is refused and not shown", () => {
    // One whose value is no point of the prime-order subgroup; 1 of 16 can't be told.
    const { privateKey } = keyPair("a private key");
    const [problem = ""] = problemsOf(`clients:\n  phone: { exit: gcp, publicKey: "${privateKey}" }\n`);
    expect(problem).toContain("clients.yaml:2:34: clients.phone.publicKey: publicKey is a private key");
    expect(problem).not.toContain(privateKey);
  });

  test("all that is wrong is told at once, and the rest is read", () => {
    const { file, problems } = parseClientsFile("clients:\n  a: {}\n  b: { exit: gcp }\n  c: { exit: x y }\n", "clients.yaml");
    expect(problems).toHaveLength(2);
    expect(file.clients).toEqual({ b: { exit: "gcp" } });
  });
});

describe("editing", () => {
  const text = `# ours
clients:
  # Anna's, do not touch
  phone: {exit: gcp}   # since May
  laptop:
    exit: hkt

    address: 10.77.0.9 # fixed
`;

  test("comments and layout of all else stay", () => {
    const moved = withExit(withClient(text, "tablet", { exit: "gcp" }), "laptop", "gcp");
    expect(moved).toBe(`# ours
clients:
  # Anna's, do not touch
  phone: { exit: gcp } # since May
  laptop:
    exit: gcp

    address: 10.77.0.9 # fixed
  tablet: { exit: gcp }
`);
    expect(withoutClient(moved, "laptop", { address: "10.77.0.9", keptUntil: "2027-02-21" })).toBe(`# ours
clients:
  # Anna's, do not touch
  phone: { exit: gcp } # since May
  tablet: { exit: gcp }
revoked:
  laptop: { address: 10.77.0.9, keptUntil: 2027-02-21 }
`);
  });

  test("a file that is empty gets its sections", () => {
    expect(withClient("", "phone", { exit: "gcp" })).toBe("clients:\n  phone: { exit: gcp }\n");
    expect(withClient(emptyClientsFile, "phone", { exit: "gcp" })).toMatch(
      /^# Who may enter.*\nclients:\n {2}phone: \{ exit: gcp \}\n$/,
    );
  });

  test("what has expired goes, and the section with the last of it", () => {
    const revoked = "clients:\n  a: { exit: x }\nrevoked:\n  b: { address: 10.0.0.1, keptUntil: 2026-01-01 }\n";
    expect(withoutExpired(revoked, ["b"])).toBe("clients:\n  a: { exit: x }\n");
    expect(withoutExpired(revoked, [])).toBe(revoked);
  });

  test("law: what is added is read, whatever its name and exit; what is taken away is not", () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,20}$/);
    const names = fc.uniqueArray(name, { maxLength: 8 });
    fc.assert(
      fc.property(names, name, (all, exit) => {
        const added = all.reduce((before, one) => withClient(before, one, { exit }), emptyClientsFile);
        const { file, problems } = parseClientsFile(added, "f");
        expect(problems).toEqual([]);
        expect(
          Object.entries(file.clients)
            .map(([key, value]) => [key, value.exit])
            .sort(),
        ).toEqual(all.map((one) => [one, exit]).sort());
        const none = all.reduce(
          (before, one) => withoutClient(before, one, { address: "10.0.0.1", keptUntil: "2027-01-01" }),
          added,
        );
        expect(Object.keys(parseClientsFile(none, "f").file.clients)).toEqual([]);
        expect(Object.keys(parseClientsFile(none, "f").file.revoked).sort()).toEqual([...all].sort());
      }),
    );
  });
});
