/** Google's names for things: `https://www.googleapis.com/compute/v1/projects/p/global/networks/n`, its path from `projects`, or just `n`. */

const api = "https://www.googleapis.com/compute/v1/";

export const selfLink = (id: string): string => `${api}${id}`;

/** The path from `projects` of a self link, a path or a bare name. */
export function relativeLink(reference: string, project: string, collection: string): string {
  const at = reference.indexOf("projects/");
  if (at >= 0) return reference.slice(at);
  return reference.includes("/") ? `projects/${project}/${reference}` : `projects/${project}/${collection}/${reference}`;
}

export const lastSegment = (reference: string): string => reference.slice(reference.lastIndexOf("/") + 1);

/** Two spellings of one object, as the real provider compares them: a bare name equals any link that ends in it. */
export function sameObject(a: string, b: string): boolean {
  if (!a.includes("/") || !b.includes("/")) return lastSegment(a) === lastSegment(b);
  return relativeLink(a, "", "") === relativeLink(b, "", "");
}

export const regionOf = (zone: string): string => zone.replace(/-[^-]+$/, "");
