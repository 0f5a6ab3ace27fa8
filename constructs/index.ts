export { ExitNetwork } from "./exit-network";
export type { ExitClientProps, ExitNetworkProps, ExitProps, LinkProps } from "./exit-network-props";
export { ClientInterface, WgClient, type ClientInterfaceProps, type DnsProps, type WgClientProps } from "./client-interface";
export type { FailoverProps } from "./failover";
export {
  Host,
  type GceHost,
  type GceHostProps,
  type SshHost,
  type SshHostProps,
  type UnmanagedHost,
  type UnmanagedHostProps,
} from "./host";
export { NatGateway, type NatGatewayProps } from "./nat-gateway";
export { PortForward, type PortForwardProps } from "./port-forward";
export { SnatLabel, type SnatLabelProps } from "./snat-label";
export { SourcePolicy, type PolicySource, type SourcePolicyProps } from "./source-policy";
export { Proof, provenNetwork, type ExitAssertionProps, type ProofSource } from "./proof";
export { RemovedNode, type RemovedNodeProps } from "./removed-node";
export { WgNode, type WgNodeProps } from "./wg-node";
export { WgTunnel, type WgTunnelEndProps, type WgTunnelProps } from "./wg-tunnel";
export type { GceVm } from "./gce-vm";
export type { ProvenNetwork, TraceOptions } from "../lib/assert/proven-network";
export type {
  Trace,
  TracedEnd,
  TracedExit,
  TracedHost,
  TracedInstead,
  TracedTunnel,
  TracedWay,
  TraceEnd,
  TraceHop,
  TraceVerdict,
} from "../lib/trace";
