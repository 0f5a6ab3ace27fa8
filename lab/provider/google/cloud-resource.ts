/** A Terraform resource from a kind of cloud object: places it (project, region, zone), stores it, words its errors. */
import { withLocal, withoutLocal } from "../codec";
import type { Cloud } from "../cloud";
import { type Path, ProviderError } from "../errors";
import type { Change, Resource } from "../resource";
import { shape } from "../codec";
import { type Attributes, attributesWithoutUnknown, optionalText, text, Unknown } from "../value";
import { ApiError, type Kind } from "./kind";
import { planLabels } from "./labels";
import { regionOf, selfLink } from "./links";

export function cloudResource(kind: Kind, cloud: Cloud): Resource {
  const plan = (change: Change, settings: Attributes): readonly Path[] => {
    planPlace(kind, change, settings);
    if ("effective_labels" in kind.schema.attributes) planLabels(change, settings);
    return kind.plan?.(change) ?? [];
  };

  const create = (planned: Attributes, settings: Attributes): Promise<Attributes> =>
    worded(`Error creating ${kind.noun}`, () =>
      cloud.change((world) => {
        const placed = place(kind, planned, settings);
        const id = text(placed, "id");
        if (world.get(kind.type, id) !== undefined) {
          throw new ApiError(409, `The resource '${id}' already exists`, "alreadyExists");
        }
        const object = attributesWithoutUnknown(kind.create(placed, world));
        world.put(kind.type, id, withoutLocal(kind.schema, object));
        return object;
      }),
    );

  const update = (prior: Attributes, planned: Attributes): Promise<Attributes> =>
    worded(`Error updating ${kind.noun} "${text(prior, "id")}"`, () =>
      cloud.change((world) => {
        const id = text(prior, "id");
        if (world.get(kind.type, id) === undefined) throw new ApiError(404, `The resource '${id}' was not found`, "notFound");
        const object = attributesWithoutUnknown(kind.update(prior, planned, world));
        world.put(kind.type, id, withoutLocal(kind.schema, object));
        return object;
      }),
    );

  const remove = (prior: Attributes): Promise<void> =>
    worded(`Error when reading or editing ${kind.noun}`, () =>
      cloud.change((world) => {
        const id = text(prior, "id");
        const object = world.get(kind.type, id);
        if (object === undefined) return;
        kind.remove?.(object, world);
        world.delete(kind.type, id);
      }),
    );

  const read = async (state: Attributes): Promise<Attributes | null> => {
    const world = await cloud.read();
    const object = world.get(kind.type, text(state, "id"));
    return object === undefined ? null : withLocal(kind.schema, kind.view?.(object, world) ?? object, state);
  };

  return {
    schema: kind.schema,
    ...(kind.validate === undefined ? {} : { validate: kind.validate }),
    plan,
    create,
    read,
    update,
    remove,
    locate: (importId, settings) => shape(kind.schema, { id: idOfImport(kind, importId, settings) }) ?? {},
  };
}

const missingProject = new ProviderError("Failed to retrieve project, pid: , err: project: required field is not set");

/** Project, region and zone stand in the plan as soon as the provider's configuration tells them. */
function planPlace(kind: Kind, { config, planned }: Change, settings: Attributes): void {
  if (config["project"] === null) {
    if (typeof settings["project"] === "string") planned["project"] = settings["project"];
    else if (!(settings["project"] instanceof Unknown)) throw missingProject;
  }
  if (kind.scope === "global" || !(planned[kind.scope] instanceof Unknown) || config[kind.scope] !== null) return;
  const place = providerPlace(kind.scope, settings);
  if (place !== undefined) planned[kind.scope] = place;
}

function providerPlace(scope: "region" | "zone", settings: Attributes): string | undefined {
  const zone = optionalText(settings, "zone");
  if (scope === "zone") return zone;
  return optionalText(settings, "region") ?? (zone === undefined ? undefined : regionOf(zone));
}

function place(kind: Kind, planned: Attributes, settings: Attributes): Attributes {
  const project = optionalText(planned, "project") ?? optionalText(settings, "project");
  if (project === undefined) throw missingProject;
  const placed: Attributes = { ...planned, project };
  if (kind.scope === "global") return identified(kind, placed, "global");
  const where = optionalText(planned, kind.scope) ?? providerPlace(kind.scope, settings);
  if (where === undefined) throw missingPlace(kind.scope);
  return identified(kind, { ...placed, [kind.scope]: where }, `${kind.scope}s/${where}`);
}

const missingPlace = (scope: "region" | "zone"): ProviderError =>
  new ProviderError(
    scope === "region"
      ? "Cannot determine region: set in this resource, or set provider-level 'region' or 'zone'."
      : "Cannot determine zone: set in this resource, or set provider-level zone.",
  );

function identified(kind: Kind, placed: Attributes, where: string): Attributes {
  const id = `projects/${text(placed, "project")}/${where}/${kind.collection}/${text(placed, "name")}`;
  const created = "creation_timestamp" in kind.schema.attributes ? { creation_timestamp: new Date().toISOString() } : {};
  return { ...placed, id, self_link: selfLink(id), ...created };
}

/** PATH, PROJECT/PLACE/NAME, PLACE/NAME or NAME; what is missing comes from the provider's configuration. */
function idOfImport(kind: Kind, importId: string, settings: Attributes): string {
  if (importId.startsWith("projects/")) return importId;
  const parts = importId.split("/");
  const name = parts.pop() ?? "";
  const where = kind.scope === "global" ? undefined : (parts.pop() ?? providerPlace(kind.scope, settings));
  const project = parts.pop() ?? optionalText(settings, "project");
  if (project === undefined) throw missingProject;
  if (kind.scope === "global") return `projects/${project}/global/${kind.collection}/${name}`;
  if (where === undefined) throw missingPlace(kind.scope);
  return `projects/${project}/${kind.scope}s/${where}/${kind.collection}/${name}`;
}

async function worded<Result>(doing: string, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ApiError) {
      throw new ProviderError(`${doing}: googleapi: Error ${error.code}: ${error.message}, ${error.reason}`);
    }
    throw error;
  }
}
