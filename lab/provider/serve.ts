/**
 * Serves the lab's providers to Terraform on unix sockets, for TF_REATTACH_PROVIDERS.
 *
 * Aliases of a provider share the socket and differ by connection. grpc-js calls every peer of a unix socket `unknown`, so the listener is
 * our own and gives each connection a name before it hands it to grpc.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server as Listener, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { Cloud, type CloudBackend } from "./cloud";
import { googleProvider, googleTypes } from "./google/provider";
import { type Connections, handlersOf } from "./handlers";
import { nullProvider } from "./null";
import { providerService } from "./protocol";
import type { Provider } from "./resource";

export type ProviderName = "google" | "null";

export interface ServeOptions {
  /** Where the cloud's state (`cloud.json`) is kept; made when it is not there. */
  readonly dir: string;
  readonly backend: CloudBackend;
  readonly providers: readonly ProviderName[];
}

export interface Served {
  /** Value of TF_REATTACH_PROVIDERS. */
  readonly reattach: string;
  close(): Promise<void>;
}

/** Resource types by provider; anything else is refused, by Terraform itself or before it starts. */
export const servedTypes: Readonly<Record<ProviderName, readonly string[]>> = {
  google: googleTypes,
  null: Object.keys(nullProvider.resources),
};

/** A unix socket's path has at most 107 bytes and the lab's directory may be deep: sockets have a short one of their own. */
export async function serveProviders(options: ServeOptions): Promise<Served> {
  const cloud = await Cloud.open(options.dir, options.backend);
  const sockets = await mkdtemp(join(socketRoot(), "wgchain-"));
  const open: { name: ProviderName; path: string; close: () => Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(open.map((one) => one.close()));
    await cloud.idle();
    await rm(sockets, { recursive: true, force: true });
  };
  try {
    for (const name of new Set(options.providers)) {
      const path = join(sockets, name);
      open.push({ name, path, close: await listen(name === "google" ? googleProvider(cloud) : nullProvider, path) });
    }
  } catch (error) {
    await close();
    throw error;
  }
  const reattach = Object.fromEntries(
    open.map(({ name, path }) => [`registry.terraform.io/hashicorp/${name}`, attachment(path)]),
  );
  return { reattach: JSON.stringify(reattach), close };
}

/** With `Test: false` Terraform panics. */
const attachment = (path: string): object => ({
  Protocol: "grpc",
  ProtocolVersion: 6,
  Pid: process.pid,
  Test: true,
  Addr: { Network: "unix", String: path },
});

const socketRoot = (): string => (tmpdir().length > 60 ? "/tmp" : tmpdir());

/** Plans of large networks pass the default limit of 4 MiB. */
const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

async function listen(provider: Provider, path: string): Promise<() => Promise<void>> {
  const connections: Connections = new Map();
  const server = new Server(unlimited);
  server.addService(providerService, handlersOf(provider, connections));
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  let count = 0;
  const listener = createServer((socket) => {
    const peer = `connection-${++count}`;
    Object.defineProperty(socket, "remoteAddress", { value: peer });
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      sockets.delete(socket);
      connections.delete(peer);
    });
    injector.injectConnection(socket);
  });
  await bind(listener, path);
  return async () => {
    const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
    injector.destroy();
    server.forceShutdown();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
}

const bind = (listener: Listener, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(path, () => {
      listener.off("error", reject);
      resolve();
    });
  });
