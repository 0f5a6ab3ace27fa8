import { TerraformStack } from "cdktf";
import { Construct } from "constructs";
import { linkMtuBytes } from "../lib/model/numbers";
import { Delivery } from "./delivery";
import { sshIntent, type SshHost } from "./host";
import { WgNetwork } from "./network";

/** What a `RemovedNode` is made of. */
export interface RemovedNodeProps {
  /** How the host is reached, as it was. */
  readonly host: SshHost;
  /** The node's name, as it was. @default the construct's id */
  readonly name?: string;
  /** Its address on the private line, as it was, so that a lab keeps the host's private line. @default none */
  readonly privateAddress?: string;
}

/**
 * What stands in the place of a `WgNode` that leaves the network while its host lives on: the next deploy cleans the host. Deleting the node
 * alone would delete its destroy provisioner with it, and leave the host as it is. Take this away after that deploy.
 */
export class RemovedNode extends Construct {
  constructor(scope: Construct, id: string, props: RemovedNodeProps) {
    super(scope, id);
    const { host, name = id, privateAddress } = props;
    const network = WgNetwork.of(this);
    network.addRemovedIntent({
      path: this.node.path,
      name,
      address: host.address,
      host: sshIntent(host),
      ...(privateAddress === undefined ? {} : { privateAddress }),
    });
    const connection = Delivery.connection(name, host, network.directory);
    network.addRemoved(
      {
        name,
        host: { address: host.address, ...sshIntent(host) },
        uplinkMtuBytes: linkMtuBytes.ethernet,
        ...(privateAddress === undefined ? {} : { privateLink: { address: privateAddress, mtuBytes: linkMtuBytes.ethernet } }),
        interfaces: [],
      },
      {
        from: `null_resource.${name}_membership`,
        lifecycle: { destroy: true },
        provisioner: [{ "local-exec": { when: "destroy", ...Delivery.destroy(name, connection, TerraformStack.of(this)) } }],
      },
    );
  }
}
