import * as path from "node:path";
import { App, TerraformResource, TerraformStack } from "cdktf";
import { Resource, type ResourceConfig } from "@cdktf/provider-null/lib/resource";
import { Construct } from "constructs";
import { DeferredAddress } from "../lib/address";
import type { Compiled } from "../lib/compile";
import type { Network } from "../lib/model/model";
import type { Problem } from "../lib/problem";
import type { Delivery } from "./delivery";
import type { Directory } from "./directory";
import { revertSeconds } from "./settings";
import { lazyMap, lazyText } from "./tokens";

/** A null_resource named by what it stands for and not by its place in the tree: moving a construct must not destroy and clean a live host. */
export class NamedResource extends Resource {
  constructor(scope: Construct, id: string, name: string, config: ResourceConfig) {
    super(scope, id, config);
    this.overrideLogicalId(name);
  }

  get reference(): string {
    return `null_resource.${this.friendlyUniqueId}`;
  }

  /** Those of the user's that would be merged into one of ours without a word. */
  static clashes(stack: TerraformStack): Problem[] {
    const all = stack.node
      .findAll()
      .filter((one): one is TerraformResource => TerraformResource.isTerraformResource(one))
      .filter((one) => one.terraformResourceType === Resource.tfResourceType);
    const ours = new Set(all.filter((one) => one instanceof NamedResource).map((one) => one.friendlyUniqueId));
    return all
      .filter((one) => !(one instanceof NamedResource) && ours.has(one.friendlyUniqueId))
      .map((one) => ({
        code: "name-taken",
        path: one.node.path,
        message: `null_resource.${one.friendlyUniqueId} is wgchain's own; give this one another id`,
      }));
  }
}

/** What a `Deploy` asks of its network; lazy values only. */
export interface Deployed {
  result(): Compiled;
  readonly directory: Directory;
  readonly deliveries: ReadonlyMap<string, Delivery>;
}

/**
 * The one null_resource that changes hosts: it is replaced when the configuration of any host is, and runs a transaction over those. That it is
 * destroyed before it is made again tells the new one what was deployed last; where it failed it is tainted, tells nothing, and all hosts are asked.
 */
export class Deploy extends Construct {
  private readonly resource: NamedResource;

  constructor(network: Construct & Deployed) {
    super(network, "transaction");
    const text = (of: (compiled: Compiled) => string): string => lazyText(() => of(network.result()));
    this.resource = new NamedResource(this, "deploy", "deploy", {
      triggers: lazyMap(() => this.triggers(network)),
      provisioners: [
        {
          type: "local-exec",
          command: "bash wgchain/deploy apply",
          environment: {
            WGCHAIN_HOSTS: text((compiled) => hostLines(compiled, network.deliveries)),
            WGCHAIN_VALUES: text(valueLines),
            WGCHAIN_DIR: directoryFromStack(network.directory, TerraformStack.of(network)),
            WGCHAIN_REVERT_SECONDS: String(revertSeconds(network.node)),
          },
        },
        {
          type: "local-exec",
          when: "destroy",
          // Absent in a checkout that never synthesized: a destroy goes on without.
          command: "[ ! -f wgchain/deploy ] || bash wgchain/deploy before",
          environment: { WGCHAIN_BEFORE: '${join("\\n", [for node, id in self.triggers : "${node}=${id}"])}' },
        },
      ],
    });
  }

  prepare(deliveries: Iterable<Delivery>): void {
    this.resource.dependsOn = [...new Set([...deliveries].flatMap((one) => one.references))].sort();
  }

  private triggers({ deliveries }: Deployed): Record<string, string> {
    return Object.fromEntries([...deliveries].map(([name, { id }]) => [name, id]));
  }
}

/** A line a host, as host/deploy reads it. */
function hostLines(compiled: Compiled, deliveries: ReadonlyMap<string, Delivery>): string {
  const ranks = ranksOf(compiled);
  return [...deliveries.values()].map((one) => one.line(compiled, ranks.get(one.name) ?? 0)).join("\n");
}

/** How far a node is from the exits it sends to, at most; a ring of tunnels is cut by the order. */
function ranksOf({ network, order }: Compiled): ReadonlyMap<string, number> {
  const ranks = new Map<string, number>();
  for (const node of order) {
    const behind = network.tunnels.filter(({ client }) => client.node === node);
    ranks.set(node.name, Math.max(0, ...behind.map(({ server }) => (ranks.get(server.node.name) ?? -1) + 1)));
  }
  return ranks;
}

/** The addresses that only apply knows and that hosts' files hold. */
function valueLines({ hosts, network }: Compiled): string {
  const files = hosts.flatMap((host) => Object.values(host.files));
  return deferredOf(network)
    .filter((address) => files.some((file) => file.includes(address.toString())))
    .map((address) => `${address.name}=\${${address.terraform}}`)
    .join("\n");
}

export const deferredOf = (network: Network): DeferredAddress[] =>
  network.nodes.flatMap(({ address }) => (address instanceof DeferredAddress ? [address] : []));

export function directoryFromStack(directory: Directory, stack: TerraformStack): string {
  if (path.isAbsolute(directory.path)) return directory.path;
  const app = stack.node.root;
  const outdir = App.isApp(app) ? path.resolve(app.outdir) : path.resolve("cdktf.out");
  return path.relative(path.join(outdir, "stacks", stack.node.id), directory.absolute);
}
