import type { Change, Fact, NetworkDiff, Objects, Thing } from "./network-diff";
import { few, join, say, type Phrase } from "./phrase";
import type { Section } from "./report";

/** Exits, then hosts with what clients connect to, then tunnels. */
export function objectSections({ exits, hosts, interfaces, tunnels }: NetworkDiff): Section[] {
  return [
    {
      title: "Exits",
      lines: [
        ...exits.added.map(({ node, address }) => say`new exit ${node} (${address})`),
        ...exits.gone.map(({ node, address }) => say`gone exit ${node} (${address})`),
      ],
    },
    {
      title: "Hosts and tunnels",
      lines: [
        ...lines("host", hosts, ({ name, facts }) => say`${name} (${show(facts["address"])})`),
        ...lines(
          "interface of clients",
          interfaces,
          ({ name, facts }) => say`${name} (${show(facts["address"])}, port ${show(facts["listenPort"])})`,
        ),
        ...lines(
          "tunnel",
          tunnels,
          ({ name, facts }) => say`${name} to ${show(facts["server"])} (${show(facts["network"])}, ${show(facts["over"])})`,
        ),
      ],
    },
  ];
}

function lines(word: string, { added, gone, changed }: Objects, thing: (one: Thing) => Phrase): Phrase[] {
  return [
    ...added.map((one) => say`new ${[word]} ${thing(one)}`),
    ...gone.map((one) => say`gone ${[word]} ${thing(one)}`),
    ...changed.map(({ name, changes }) => say`${[word]} ${name}: ${join(together(changes).map(changeIn), "; ")}`),
  ];
}

type FactChange = Change<Fact> & { readonly fact: string };

/** Both ends' MTU is one, as a rule. */
function together(changes: readonly FactChange[]): FactChange[] {
  const [server, client] = ["serverMtuBytes", "clientMtuBytes"].map((name) => changes.find(({ fact }) => fact === name));
  if (server === undefined || client?.before !== server.before || client.after !== server.after) return [...changes];
  return changes.flatMap((one) => (one === client ? [] : [one === server ? { ...one, fact: "mtuBytes" } : one]));
}

const words: Readonly<Record<string, string>> = {
  address: "address",
  kind: "kind",
  exit: "exit",
  uplinkMtuBytes: "MTU of the uplink",
  privateAddress: "address on the private line",
  lans: "private networks",
  forwards: "forwards",
  listenPort: "port",
  mtuBytes: "MTU",
  resolvers: "resolvers in clients' configurations",
  answersForOthers: "what clients ask others at port 53 is answered by",
  server: "server end",
  over: "over",
  network: "network",
  serverAddresses: "addresses of the server end",
  clientAddresses: "addresses of the client end",
  serverMtuBytes: "MTU of the server end",
  clientMtuBytes: "MTU of the client end",
  serverPort: "port of the server end",
  clientPort: "port of the client end",
};

function changeIn({ fact, before, after }: FactChange): Phrase {
  const word = [words[fact] ?? fact];
  if (Array.isArray(before) && Array.isArray(after)) {
    const [old, now] = [new Set(before as string[]), new Set(after as string[])];
    const part = (sign: string, list: readonly string[]): Phrase[] =>
      list.length === 0
        ? []
        : [
            say`${[sign]} ${few(
              list.map((one) => say`${one}`),
              3,
            )}`,
          ];
    const parts = [
      ...part(
        "new",
        [...now].filter((one) => !old.has(one)),
      ),
      ...part(
        "gone",
        [...old].filter((one) => !now.has(one)),
      ),
    ];
    return say`${word} ${parts.length === 0 ? ["in another order"] : join(parts, ", ")}`;
  }
  return say`${word} ${show(before)} becomes ${show(after)}`;
}

function show(fact: Fact | undefined): Phrase {
  if (fact === undefined || fact === null) return ["none"];
  if (typeof fact === "boolean") return [fact ? "yes" : "no"];
  return typeof fact === "object"
    ? few(
        fact.map((one) => say`${one}`),
        3,
      )
    : [typeof fact === "number" ? String(fact) : { outside: fact }];
}
