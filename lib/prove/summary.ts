import type { TracedNetwork } from "../trace/traced";
import { obligationNames } from "./prove";

/** Obligations that one sentence tells of. */
const sentences: readonly (readonly [names: readonly string[], tell: (network: TracedNetwork) => string])[] = [
  [
    ["leavesWhereDeclared"],
    ({ ways }) => {
      const closed = ways.filter(({ exit }) => exit === null).length;
      const none = closed === 0 ? "" : `; ${count(closed, "source is", "sources are")} declared for no exit and leave nowhere`;
      return `${count(ways.length - closed, "source leaves", "sources leave")} where declared, with that exit's address, and the answers come back${none}`;
    },
  ],
  [
    ["closedWithoutTunnel"],
    ({ ways }) => {
      const cases = ways.reduce((sum, { down }) => sum + down.length, 0);
      return `${count(cases, "case", "cases")} of a tunnel of the way down, at either end: nothing leaves`;
    },
  ],
  [
    ["closedWhenFlushed", "filtersStand", "onlyMarkedIsMasqueraded", "tablesAreWhole", "rulesClose"],
    ({ hosts }) =>
      `${count(hosts.length * 2, "case", "cases")} of a host's nftables table or rules flushed: nothing leaves that should not; each closes without the other`,
  ],
  [
    [
      "undeclaredReachesNothing",
      "nothingEntersFromOutside",
      "ownTrafficUntouched",
      "ownRoutesLeaveAtTheirExit",
      "noMetadataServer",
      "clientsStayLocal",
    ],
    ({ hosts }) =>
      `${count(hosts.length, "host", "hosts")}: what is not declared reaches nothing, nothing enters by an uplink, and the hosts' own traffic stays as it is`,
  ],
  [
    ["nothingFragments", "mssIsClamped"],
    ({ tunnels }) =>
      `${count(tunnels.length, "tunnel", "tunnels")}: no packet that fits is cut into fragments, and TCP learns the MTU`,
  ],
  [
    [
      "labelsTellExitsApart",
      "labelsLeaveWhereDeclared",
      "allowedIpsAreDisjoint",
      "everyHostAnswers",
      "noReversePathFilter",
      "wgQuickAgrees",
    ],
    ({ hosts }) =>
      `${count(hosts.length, "host", "hosts")}: labels lead to their exits, no peer takes another's addresses, every hop shows itself, and a boot brings up the same`,
  ],
  [
    ["failoverLeavesAtTakenExit", "failoverMeasuresItsExits"],
    ({ ways }) => {
      const moving = ways.filter(({ instead = [] }) => instead.length > 0).length;
      if (moving === 0) return "";
      return `${count(moving, "source fails", "sources fail")} over: whichever of its exits is alive, it leaves there and at no other, and nowhere when none is`;
    },
  ],
  [
    ["lansLeaveAsTheirGateway", "lansStayInside", "forwardsArrive", "onlyForwardsAreForwarded"],
    ({ hosts }) => {
      const lans = hosts.flatMap((host) => host.lans ?? []).length;
      const forwards = hosts.flatMap((host) => host.forwards ?? []).length;
      if (lans + forwards === 0) return "";
      return `${count(lans, "private network leaves", "private networks leave")} as its gateway and ${count(forwards, "forward reaches its target", "forwards reach their targets")}, the answers come back, and no other port is passed on`;
    },
  ],
  [
    ["queriesReachTheirResolver", "othersAreAnsweredByTheResolver", "queriesInsideStayInside"],
    ({ hosts }) => {
      const interfaces = hosts.flatMap((host) => host.clientInterfaces).filter(({ resolvers }) => resolvers !== undefined);
      if (interfaces.length === 0) return "";
      const only = interfaces.filter(({ answersForOthers }) => answersForOthers !== undefined).length;
      const others = only === 0 ? "" : `; at ${only} of them nobody else answers on port 53`;
      return `${count(interfaces.length, "interface", "interfaces")} whose clients reach their resolvers, each by the client's own exit${others}`;
    },
  ],
];

/** What was proved of a network that has no failures, in words. */
export function summaryOf(network: TracedNetwork): readonly string[] {
  const told = new Set(sentences.flatMap(([names]) => names));
  const others = obligationNames
    .filter((name) => !told.has(name))
    .map((name) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));
  return [...sentences.map(([, tell]) => tell(network)).filter((told) => told !== ""), ...others];
}

/** Obligations without a sentence, and sentences without an obligation. */
export function untold(): readonly string[] {
  const told = sentences.flatMap(([names]) => names);
  return [...obligationNames.filter((name) => !told.includes(name)), ...told.filter((name) => !obligationNames.includes(name))];
}

const count = (number: number, one: string, many: string): string =>
  `${String(number).replace(/\B(?=(\d{3})+$)/g, ",")} ${number === 1 ? one : many}`;
