/**
 * @file PyTorch's checkpoint files (`.pth`, `.pt`: `torch.save` since 1.6): a zip archive of a pickle and of the tensors' storages. The
 * pickle is read as data and never executed; tensors stay on disk until they are asked for.
 */
import { closeSync } from "node:fs";
import { DreamError } from "../../errors.js";
import { writeAtomically } from "../atomic.js";
import { crc32 } from "../crc32.js";
import { openForReading, readAt, readFileBytes } from "../file-bytes.js";
import { readPickle } from "../pickle/read.js";
import { OrderedDict, type PickleLeaf, type PickleValue, tuple } from "../pickle/value.js";
import { PickleWriter } from "../pickle/write.js";
import { indexZip, type StoredEntry } from "../zip-directory.js";
import { writeStoredZip, type ZipSource } from "../zip-writer.js";
import { rowMajor, TorchTensor, torchTypes } from "./tensor.js";
import { type StorageSource, torchVocabulary } from "./vocabulary.js";

/** An open file's content. */
export interface TorchFile {
  readonly path: string;
  /** What was saved, usually a dict. */
  readonly value: PickleValue;
}

/** Larger pickles are refused; a checkpoint's takes a few hundred bytes a tensor. */
const maximumPickleBytes = 1 << 28;

/**
 * Opens a file and reads everything but the tensors' elements.
 * @throws DreamError `io` where it cannot be read; `format` where it is damaged, older than PyTorch 1.6, or asks for anything but plain
 *   data and tensors, which is refused by name and never executed
 */
export async function openTorchFile(path: string): Promise<TorchFile> {
  refuseOther(path);
  const entries = await indexZip(path);
  const pickle = pickleOf(path, entries);
  const root = pickle.name.slice(0, -"data.pkl".length);
  const order = entries.get(`${root}byteorder`);
  if (order !== undefined && order.size !== "little".length)
    throw unreadable(path, "a file in little-endian byte order", "another order");
  if (pickle.size > maximumPickleBytes)
    throw unreadable(path, `a pickle of at most ${maximumPickleBytes} bytes`, `${pickle.size}`);
  const bytes = readEntry(path, pickle, 0, pickle.size);
  const vocabulary = torchVocabulary(storages(path, `${root}data/`, entries));
  return { path, value: readPickle(bytes, { path, part: pickle.name }, vocabulary) };
}

/** The one pickle of an archive, in the one folder at its root. */
function pickleOf(path: string, entries: ReadonlyMap<string, StoredEntry>): StoredEntry {
  const pickles = [...entries.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  const [pickle] = pickles;
  if (pickle === undefined || pickles.length > 1)
    throw unreadable(
      path,
      "an archive with one data.pkl, as torch.save makes it",
      `${pickles.length} of them`,
    );
  const constants = entries.has(pickle.name.replace(/data\.pkl$/, "constants.pkl"));
  if (constants) throw unreadable(path, "a file of torch.save", "a program of torch.jit.save");
  return pickle;
}

function storages(path: string, folder: string, entries: ReadonlyMap<string, StoredEntry>): StorageSource {
  return {
    size: (key) => entries.get(`${folder}${key}`)?.size,
    read: (key, offset, length) => readEntry(path, entries.get(`${folder}${key}`)!, offset, length),
  };
}

/** Some of an entry's bytes; all of them are checked against their sum. */
function readEntry(path: string, entry: StoredEntry, offset: number, length: number): Uint8Array {
  if (!entry.isPlain) throw unreadable(path, `${entry.name} stored as it is`, "a compressed form of it");
  const bytes = readFileBytes(path, entry.offset + offset, length);
  if (length === entry.size && entry.checksum !== 0 && crc32(bytes) !== entry.checksum)
    throw unreadable(
      path,
      `${entry.name} as it was written`,
      "bytes of another checksum: the file is damaged",
    );
  return bytes;
}

/** Names what else a file of that ending may be. */
function refuseOther(path: string): void {
  const descriptor = openForReading(path);
  try {
    const start = Buffer.from(readAt(path, descriptor, 0, 4)).toString("latin1");
    if (start.startsWith("PK")) return;
    const isPickle = start.startsWith("\x80");
    throw unreadable(
      path,
      "a zip archive, as torch.save makes it since PyTorch 1.6",
      isPickle ? "a bare pickle, as older versions made" : "another format",
    );
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(path: string, expected: string, got: string): DreamError {
  return new DreamError("format", {
    operation: `read ${path}`,
    expected,
    got,
    hint: "save it again with a newer PyTorch: torch.save(model.state_dict(), path)",
  });
}

/**
 * Writes what `torch.load` opens, atomically; tensors are asked for their bytes one at a time, and the same content gives the same
 * bytes. A file with a Namespace needs `weights_only=False`.
 * @param value plain data and tensors; a tensor that occurs twice is stored once
 */
export async function writeTorchFile(path: string, value: PickleValue): Promise<void> {
  const keys = new Map<TorchTensor, string>();
  const writer = new PickleWriter((leaf) => writeLeaf(leaf, writer, keys));
  writer.value(value);
  const pickle = writer.finish();
  const text = (content: string) => () => Buffer.from(content, "latin1");
  const sources: ZipSource[] = [
    { name: "archive/data.pkl", bytes: () => pickle },
    { name: "archive/byteorder", bytes: text("little") },
    ...[...keys].map(([tensor, key]) => ({ name: `archive/data/${key}`, bytes: () => checkedBytes(tensor) })),
    { name: "archive/version", bytes: text("3\n") },
  ];
  await writeAtomically(path, (file) => writeStoredZip(file, sources));
}

function checkedBytes(tensor: TorchTensor): Uint8Array {
  const bytes = tensor.bytes();
  if (bytes.length !== tensor.byteLength)
    throw new Error(`internal: ${tensor.description} has ${bytes.length} bytes, not ${tensor.byteLength}`);
  return bytes;
}

const storageOf = new Map(torchTypes.map(([dtype, , storage]) => [dtype, storage]));

function writeLeaf(leaf: PickleLeaf, writer: PickleWriter, keys: Map<TorchTensor, string>): void {
  if (!(leaf instanceof TorchTensor)) throw new Error(`internal: cannot write ${leaf.description}`);
  const key = keys.get(leaf) ?? String(keys.size);
  keys.set(leaf, key);
  const count = leaf.shape.reduce((product, size) => product * size, 1);
  writer.global("torch._utils", "_rebuild_tensor_v2");
  writer.code("((");
  writer.value("storage");
  writer.global("torch", storageOf.get(leaf.dtype)!);
  writer.value(key);
  writer.value("cpu");
  writer.value(count);
  writer.code("tQ");
  writer.value(0);
  writer.value(tuple([...leaf.shape]));
  writer.value(tuple(rowMajor(leaf.shape)));
  // It wants no gradients, and has no hooks.
  writer.value(false);
  writer.value(new OrderedDict());
  writer.code("tR");
}
