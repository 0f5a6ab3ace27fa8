/* eslint-disable @typescript-eslint/no-require-imports */
import type * as assertions from "../lib/assert/assertions";
import type * as provenNetwork from "../lib/assert/proven-network";
import type * as showTrace from "../lib/assert/show-trace";
import type * as clientsFile from "../lib/clients-file/parse";
import type * as gceVm from "./gce-vm";
import type * as inventory from "./inventory";

/**
 * What most apps never use is loaded by those that do: a file takes half a millisecond of every synthesis, Google's resources twenty, the YAML parser as long
 * as all of lib/.
 */
export const onDemand = {
  assertions: () => require("../lib/assert/assertions") as typeof assertions,
  clientsFile: () => require("../lib/clients-file/parse") as typeof clientsFile,
  gceVm: () => require("./gce-vm") as typeof gceVm,
  inventory: () => require("./inventory") as typeof inventory,
  provenNetwork: () => require("../lib/assert/proven-network") as typeof provenNetwork,
  showTrace: () => require("../lib/assert/show-trace") as typeof showTrace,
};
