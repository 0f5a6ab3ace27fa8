/**
 * The RPCs of one provider. Whatever is thrown becomes a diagnostic together with the state as it was: a bare gRPC error would read badly
 * and lose the object.
 */
import type { sendUnaryData, ServerUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import { decodeJson, decodeObject, encodeObject } from "./codec";
import { diagnosticOf, ProviderError, wirePath } from "./errors";
import { planObject, problemsOf, replacements } from "./plan";
import type * as wire from "./protocol";
import type { Provider, Resource } from "./resource";
import { wireSchema } from "./schema";
import { type Attributes, hasUnknown } from "./value";

/** Settings of each connection: Terraform opens one for every alias of a provider. */
export type Connections = Map<string, Attributes>;

export function handlersOf(provider: Provider, connections: Connections): UntypedServiceImplementation {
  const resourceOf = (type: string): Resource => {
    const resource = provider.resources[type];
    if (resource === undefined) throw new ProviderError(`the lab's provider does not serve '${type}'`);
    return resource;
  };
  const settingsOf = (peer: string): Attributes => {
    const settings = connections.get(peer);
    if (settings === undefined) throw new Error("Terraform has not configured this connection");
    return settings;
  };

  const getProviderSchema = (): wire.Reply => ({
    provider: wireSchema(provider.schema),
    resource_schemas: Object.fromEntries(
      Object.entries(provider.resources).map(([type, resource]) => [type, wireSchema(resource.schema)]),
    ),
  });

  const validateProvider = (request: wire.ConfigRequest): wire.Reply => {
    const config = decodeObject(provider.schema, request.config) ?? {};
    return { diagnostics: problemsOf(provider.schema, config).map(diagnosticOf) };
  };

  const configure = (request: wire.ConfigRequest, peer: string): wire.Reply => {
    connections.set(peer, provider.configure(decodeObject(provider.schema, request.config) ?? {}));
    return {};
  };

  const validateResource = (request: wire.ResourceConfigRequest): wire.Reply => {
    const resource = resourceOf(request.type_name);
    const config = decodeObject(resource.schema, request.config) ?? {};
    const problems = [...problemsOf(resource.schema, config), ...(resource.validate?.(config) ?? [])];
    return { diagnostics: problems.map(diagnosticOf) };
  };

  const upgrade = (request: wire.UpgradeRequest): wire.Reply => {
    const { schema } = resourceOf(request.type_name);
    const json = request.raw_state?.json;
    if (json === undefined) throw new ProviderError("the state was written by a Terraform older than 0.12");
    return { upgraded_state: encodeObject(schema, decodeJson(schema, json)) };
  };

  const read = async (request: wire.ReadRequest): Promise<wire.Reply> => {
    const resource = resourceOf(request.type_name);
    const state = decodeObject(resource.schema, request.current_state);
    const now = state === null ? null : await resource.read(state);
    return { new_state: encodeObject(resource.schema, now) };
  };

  const plan = (request: wire.PlanRequest, peer: string): wire.Reply => {
    const resource = resourceOf(request.type_name);
    const prior = decodeObject(resource.schema, request.prior_state);
    const config = decodeObject(resource.schema, request.config);
    if (config === null) return { planned_state: encodeObject(resource.schema, null) };
    const planned = planObject(resource.schema, config, prior);
    const more = resource.plan?.({ prior, config, planned }, settingsOf(peer)) ?? [];
    const replace = prior === null ? [] : [...replacements(resource.schema, prior, planned), ...more];
    return { planned_state: encodeObject(resource.schema, planned), requires_replace: replace.map(wirePath) };
  };

  const apply = async (request: wire.ApplyRequest, peer: string): Promise<wire.Reply> => {
    const resource = resourceOf(request.type_name);
    const prior = decodeObject(resource.schema, request.prior_state);
    const planned = decodeObject(resource.schema, request.planned_state);
    const settings = settingsOf(peer);
    let now: Attributes | null = null;
    if (planned === null) {
      if (prior !== null) await resource.remove(prior);
    } else {
      now = await (prior === null ? resource.create(planned, settings) : resource.update(prior, planned, settings));
      if (hasUnknown(now)) throw new Error(`apply of ${request.type_name} left unknown values`);
    }
    return { new_state: encodeObject(resource.schema, now) };
  };

  const importState = (request: wire.ImportRequest, peer: string): wire.Reply => {
    const resource = resourceOf(request.type_name);
    if (resource.locate === undefined) {
      throw new ProviderError(`resource ${request.type_name} doesn't support import`);
    }
    const state = encodeObject(resource.schema, resource.locate(request.id, settingsOf(peer)));
    return { imported_resources: [{ type_name: request.type_name, state }] };
  };

  return {
    GetProviderSchema: answer(getProviderSchema),
    ValidateProviderConfig: answer(validateProvider),
    ConfigureProvider: answer(configure),
    ValidateResourceConfig: answer(validateResource),
    UpgradeResourceState: answer(upgrade),
    ReadResource: answer(read, (request: wire.ReadRequest) => ({ new_state: request.current_state })),
    PlanResourceChange: answer(plan, (request: wire.PlanRequest) => ({ planned_state: request.proposed_new_state })),
    ApplyResourceChange: answer(apply, (request: wire.ApplyRequest) => ({ new_state: request.prior_state })),
    ImportResourceState: answer(importState),
    StopProvider: answer(() => ({})),
  };
}

function answer<Request>(
  handle: (request: Request, peer: string) => wire.Reply | Promise<wire.Reply>,
  asItWas: (request: Request) => wire.Reply = () => ({}),
): (call: ServerUnaryCall<Request, wire.Reply>, done: sendUnaryData<wire.Reply>) => void {
  const run = async (call: ServerUnaryCall<Request, wire.Reply>): Promise<wire.Reply> => {
    try {
      return await handle(call.request, call.getPeer());
    } catch (error) {
      return { ...asItWas(call.request), diagnostics: [diagnosticOf(error)] };
    }
  };
  return (call, done) => void run(call).then((reply) => done(null, reply));
}
