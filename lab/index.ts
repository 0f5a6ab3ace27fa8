/** The lab as a library: open one, run programs in its hosts, watch its wires. */
export { Lab, type DownOptions, type LabOptions, type UpOptions } from "./lab";
export { counters, watch, type WatchOptions } from "./watch";
export { nothingChanged, type DeployResult } from "./deploy";
export { callersAddress, traceroute, type Promised, type Row, type Seen } from "./probe";
export { table } from "./report";
export { CommandError, LabError, until, type RunOptions, type RunResult } from "./run";
export type { Host } from "./host";
