export { NetworkTrace, NoFailover, traceNetwork } from "./network";
export type { TracedEnd, TracedExit, TracedHost, TracedInstead, TracedNetwork, TracedTunnel, TracedWay } from "./traced";
export { trace, type Question, type Trace, type TraceHop, type TraceVerdict } from "./trace";
export { World, type SynthesizedStack, type WorldChange } from "./world";
export type { End as TraceEnd } from "./walk";
export type { Wiring } from "./wiring";
