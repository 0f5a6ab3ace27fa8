import { isMap, parseDocument, type Document } from "yaml";
import type { ClientEntry, RevokedEntry } from "./parse";

/*
 * Edits of a clients file's text. Comments, order and layout of all else stay as they are; a new entry stands on one line, at the end.
 */

/** What a file that is not there yet begins as. */
export const emptyClientsFile = "# Who may enter, and where each leaves. `wgchain client` edits it, and so may you.\nclients:\n";

export const withClient = (text: string, name: string, entry: ClientEntry): string =>
  edited(text, (document) => put(document, "clients", name, { ...entry }));

export const withExit = (text: string, name: string, exit: ClientEntry["exit"]): string =>
  edited(text, (document) => document.setIn(["clients", name, "exit"], document.createNode(exit, { flow: true })));

/** Its address stays taken, by an entry under `revoked`. */
export const withoutClient = (text: string, name: string, revoked: RevokedEntry): string =>
  edited(text, (document) => {
    document.deleteIn(["clients", name]);
    put(document, "revoked", name, { ...revoked });
  });

/** Takes revoked entries away whose day has come. */
export const withoutExpired = (text: string, names: readonly string[]): string =>
  names.length === 0
    ? text
    : edited(text, (document) => {
        for (const name of names) document.deleteIn(["revoked", name]);
        const revoked = document.get("revoked");
        if (isMap(revoked) && revoked.items.length === 0) document.delete("revoked");
      });

function edited(text: string, edit: (document: Document) => void): string {
  const document = parseDocument(text, { version: "1.2" });
  edit(document);
  return document.toString({ lineWidth: 0 });
}

function put(document: Document, section: string, name: string, entry: Readonly<Record<string, unknown>>): void {
  if (!isMap(document.contents)) document.contents = document.createNode({});
  const sectionNode = document.get(section, true);
  if (!isMap(sectionNode)) document.set(section, document.createNode({}));
  document.setIn([section, name], document.createNode(entry, { flow: true }));
}
