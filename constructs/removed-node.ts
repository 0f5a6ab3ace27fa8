import { TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { Delivery } from "./delivery";
import type { SshHost } from "./host";
import { WgNetwork } from "./network";

export interface RemovedNodeProps {
  /** How the host is reached, as it was. */
  readonly host: SshHost;
  /** The node's name, as it was. @default the construct's id */
  readonly name?: string;
}

/**
 * What stands in the place of a `WgNode` that leaves the network while its host lives on: the next deploy cleans the host. Deleting the node
 * alone would delete its destroy provisioner with it, and leave the host as it is. Take this away after that deploy.
 */
export class RemovedNode extends Construct {
  constructor(scope: Construct, id: string, props: RemovedNodeProps) {
    super(scope, id);
    const name = props.name ?? id;
    const stack = TerraformStack.of(this);
    const network = WgNetwork.of(this);
    network.addRemoved({
      from: `null_resource.${name}_membership`,
      lifecycle: { destroy: true },
      provisioner: [
        {
          "local-exec": {
            when: "destroy",
            ...Delivery.command("destroy", name, Delivery.connection(name, props.host, network.directory), stack),
          },
        },
      ],
    });
  }
}
