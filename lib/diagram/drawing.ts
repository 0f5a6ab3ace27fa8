import type { State } from "./routes";

/** What is to be drawn, before anybody says how. Made of traced networks alone: a way's line is on a tunnel because a packet crossed it. */
export interface Drawing {
  readonly stack: string;
  /** Whether it shows what a base has otherwise. */
  readonly compared: boolean;
  readonly ways: readonly DrawnWay[];
  readonly boxes: readonly Box[];
  readonly cables: readonly Cable[];
}

export interface DrawnWay {
  readonly number: number;
  readonly text: string;
}

export interface Box {
  readonly id: string;
  readonly kind: "clients" | "host" | "exit" | "nowhere";
  /** First is its name. */
  readonly lines: readonly string[];
  readonly state: State;
}

/** What connects two boxes, with a strand for each way that takes it. */
export interface Cable {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** Only a tunnel has words of its own. */
  readonly tunnel: { readonly name: string; readonly above: readonly string[]; readonly below: readonly string[] } | undefined;
  readonly strands: readonly Strand[];
  readonly state: State;
}

export interface Strand {
  readonly way: number;
  readonly state: State;
  /** The address that packets have there. */
  readonly label: string;
  /** From `to` to `from`. */
  readonly backwards: boolean;
}

export const hostId = (name: string): string => `host-${name}`;
