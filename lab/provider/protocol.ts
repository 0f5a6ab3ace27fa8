/** The messages of tfplugin6.proto as this process reads and writes them, and the service definition for grpc-js. */
import { join } from "node:path";
import { loadSync } from "@grpc/proto-loader";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { DynamicValue } from "./codec";
import type { Diagnostic } from "./errors";

export interface ConfigRequest {
  readonly config: DynamicValue | null;
}
export interface ResourceConfigRequest extends ConfigRequest {
  readonly type_name: string;
}
export interface UpgradeRequest {
  readonly type_name: string;
  readonly raw_state: { readonly json?: Uint8Array } | null;
}
export interface ReadRequest {
  readonly type_name: string;
  readonly current_state: DynamicValue | null;
}
export interface PlanRequest extends ResourceConfigRequest {
  readonly prior_state: DynamicValue | null;
  readonly proposed_new_state: DynamicValue | null;
}
export interface ApplyRequest extends ResourceConfigRequest {
  readonly prior_state: DynamicValue | null;
  readonly planned_state: DynamicValue | null;
}
export interface ImportRequest {
  readonly type_name: string;
  readonly id: string;
}

export interface Reply {
  readonly diagnostics?: readonly Diagnostic[];
  readonly [field: string]: unknown;
}

const definitions = loadSync(join(__dirname, "tfplugin6.proto"), { keepCase: true, enums: String, longs: Number });

export const providerService = definitions["tfplugin6.Provider"] as ServiceDefinition<UntypedServiceImplementation>;
