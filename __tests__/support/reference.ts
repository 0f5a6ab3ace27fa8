import { GoogleProvider } from "@cdktf/provider-google/lib/provider";
import type { TerraformStack } from "cdktf";
import { Host, SnatLabel, SourcePolicy, WgNode, WgTunnel } from "../../constructs";
import type {
  ClientInterface,
  ClientInterfaceProps,
  GceHostProps,
  SnatLabelProps,
  SourcePolicyProps,
  SshHostProps,
  WgClientProps,
  WgNodeProps,
  WgTunnelProps,
} from "../../constructs";

/** What one test writes differently; by the construct's name in main.ts. */
export interface Change {
  readonly sz?: Partial<WgNodeProps>;
  readonly szHost?: Partial<SshHostProps>;
  readonly hk?: Partial<WgNodeProps>;
  readonly hkHost?: Partial<SshHostProps>;
  readonly gcp?: Partial<WgNodeProps>;
  readonly gcpHost?: Partial<GceHostProps>;
  readonly hkt?: Partial<WgNodeProps>;
  readonly hktHost?: Partial<SshHostProps>;
  readonly wgp?: Partial<WgTunnelProps>;
  readonly wg6?: Partial<WgTunnelProps>;
  readonly wg7?: Partial<WgTunnelProps>;
  readonly wgs?: Partial<ClientInterfaceProps>;
  readonly client?: Partial<WgClientProps>;
  readonly client2?: Partial<WgClientProps>;
  readonly viaGcp?: Partial<SnatLabelProps>;
  readonly viaHkt?: Partial<SnatLabelProps>;
  readonly szGcp?: Partial<SourcePolicyProps>;
  readonly szHkt?: Partial<SourcePolicyProps>;
  readonly hkGcp?: Partial<SourcePolicyProps>;
  readonly hkHkt?: Partial<SourcePolicyProps>;
  /** Choices of hk-gcp and hk-hkt, in order. */
  readonly hkGcpVia?: readonly ("wg6" | "wg7")[];
  readonly hkHktVia?: readonly ("wg6" | "wg7")[];
}

export interface Reference {
  readonly stack: TerraformStack;
  readonly sz: WgNode;
  readonly hk: WgNode;
  readonly gcp: WgNode;
  readonly hkt: WgNode;
  readonly wgp: WgTunnel;
  readonly wg6: WgTunnel;
  readonly wg7: WgTunnel;
  readonly wgs: ClientInterface;
  readonly viaGcp: SnatLabel;
  readonly viaHkt: SnatLabel;
}

/** The network of main.ts, with what a test changes. */
export function reference(stack: TerraformStack, change: Change = {}): Reference {
  new GoogleProvider(stack, "google", { project: "p", region: "asia-east2", zone: "asia-east2-a" });
  const ssh = (address: string, more: Partial<SshHostProps> = {}) => Host.ssh({ address, ...more });
  const sz = new WgNode(stack, "sz", {
    host: ssh("198.51.100.10", change.szHost),
    privateAddress: "172.16.0.1/30",
    ...change.sz,
  });
  const hk = new WgNode(stack, "hk", {
    host: ssh("198.51.100.20", change.hkHost),
    privateAddress: "172.16.0.2/30",
    ...change.hk,
  });
  const gce = Host.gce({ zone: "asia-east2-a", sshFrom: ["198.51.100.200/32"], ...change.gcpHost });
  const gcp = new WgNode(stack, "gcp", { host: gce, exit: true, ...change.gcp });
  const hkt = new WgNode(stack, "hkt", { host: ssh("198.51.100.30", change.hktHost), exit: true, ...change.hkt });

  const wgp = new WgTunnel(stack, "wgp", {
    server: hk,
    client: sz,
    over: "private",
    network: "10.66.220.0/24",
    serverAddress: "10.66.220.200",
    ...change.wgp,
  });
  const wg6 = new WgTunnel(stack, "wg6", {
    server: gcp,
    client: hk,
    network: "10.66.6.0/24",
    serverAddress: "10.66.6.6",
    clientAddress: "10.66.6.250",
    ...change.wg6,
  });
  const wg7 = new WgTunnel(stack, "wg7", {
    server: hkt,
    client: hk,
    network: "10.66.7.0/24",
    serverAddress: "10.66.7.7",
    clientAddress: "10.66.7.250",
    ...change.wg7,
  });

  const wgs = sz.serveClients("wgs", { address: "10.66.224.1/19", listenPort: 51820, ...change.wgs });
  wgs.addClient("client", { addresses: ["10.66.224.2", "10.66.225.2"], ...change.client });
  wgs.addClient("client2", { addresses: ["10.66.224.3"], ...change.client2 });

  const viaGcp = new SnatLabel(stack, "via-gcp", { tunnel: wgp, address: "10.66.220.224", ...change.viaGcp });
  const viaHkt = new SnatLabel(stack, "via-hkt", { tunnel: wgp, address: "10.66.220.225", ...change.viaHkt });
  const tunnels = (names?: readonly ("wg6" | "wg7")[]): WgTunnel[] | undefined => names?.map((name) => ({ wg6, wg7 })[name]);
  const szSources = ["10.66.224.2/32", "10.66.224.3/32"];
  new SourcePolicy(stack, "sz-gcp", { on: sz, from: szSources, via: wgp, snat: viaGcp, ...change.szGcp });
  new SourcePolicy(stack, "sz-hkt", { on: sz, from: ["10.66.225.2/32"], via: wgp, snat: viaHkt, ...change.szHkt });
  new SourcePolicy(stack, "hk-gcp", { on: hk, from: [viaGcp], via: tunnels(change.hkGcpVia) ?? wg6, ...change.hkGcp });
  new SourcePolicy(stack, "hk-hkt", { on: hk, from: [viaHkt], via: tunnels(change.hkHktVia) ?? wg7, ...change.hkHkt });
  return { stack, sz, hk, gcp, hkt, wgp, wg6, wg7, wgs, viaGcp, viaHkt };
}
