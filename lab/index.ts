/** The lab as a library: open one, run programs in its hosts, watch its wires. */
export { Lab, type DownOptions, type LabOptions, type UpOptions } from "./lab";
export { counters, watch, type WatchOptions } from "./watch";
export { nothingChanged, type DeployResult } from "./deploy";
export { callersAddress, traceroute, type Promised, type Row, type Seen } from "./probe";
export { probeTable, table } from "./report";
export { readScenario, type Edit, type Machine, type Probe, type Scenario, type ScenarioLab } from "./scenario";
export {
  answers,
  callerIs,
  seesNothing,
  silent,
  traceIs,
  type AskOptions,
  type CallerOptions,
  type ProbeResult,
  type Way,
} from "./scenario-probes";
export { arrivesAs, fragmentsNothing } from "./packet-probes";
export { CommandError, LabError, until, type RunOptions, type RunResult } from "./run";
export type { Host } from "./host";
