/** The objects of the lab's cloud at one moment, each as Terraform sees it. */
import type { Attributes } from "./value";

export const cloudTypes = [
  "google_compute_network",
  "google_compute_subnetwork",
  "google_compute_address",
  "google_compute_firewall",
  "google_compute_instance",
] as const;
export type CloudType = (typeof cloudTypes)[number];

export type CloudFile = { readonly version: 1 } & {
  readonly objects: Readonly<Record<string, Readonly<Record<string, Attributes>>>>;
};

export class World {
  private readonly objects = new Map<CloudType, Map<string, Attributes>>();

  static of(file: CloudFile): World {
    const world = new World();
    for (const type of cloudTypes) {
      for (const [id, object] of Object.entries(file.objects[type] ?? {})) world.put(type, id, object);
    }
    return world;
  }

  /** Sorted, so that the file of one state has one text. */
  toFile(): CloudFile {
    const objects = cloudTypes.map((type) => [type, Object.fromEntries(this.entries(type))] as const);
    return { version: 1, objects: Object.fromEntries(objects) };
  }

  get(type: CloudType, id: string): Attributes | undefined {
    return this.objects.get(type)?.get(id);
  }

  put(type: CloudType, id: string, object: Attributes): void {
    const ofType = this.objects.get(type) ?? new Map<string, Attributes>();
    this.objects.set(type, ofType.set(id, object));
  }

  delete(type: CloudType, id: string): void {
    this.objects.get(type)?.delete(id);
  }

  entries(type: CloudType): readonly (readonly [id: string, object: Attributes])[] {
    return [...(this.objects.get(type) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  all(type: CloudType): readonly Attributes[] {
    return this.entries(type).map(([, object]) => object);
  }
}
