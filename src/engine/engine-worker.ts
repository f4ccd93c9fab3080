/**
 * @file The engine's thread: all models of a program live here, so the program's own thread never waits for a matrix product. Drawings step
 * together; between two steps the thread reads what it was told meanwhile.
 */
import { parentPort, type Transferable } from "node:worker_threads";
import { DreamError } from "../errors.js";
import { liveTensorCount } from "../tensor/index.js";
import { DrawingQueue } from "./drawing-queue.js";
import type {
  DrawingProgress,
  EngineStatistics,
  LoadedModel,
  LoadOrder,
  Order,
  Report,
  Task,
} from "./protocol.js";
import { ResidentModel } from "./resident-model.js";
import { ResidentVectors } from "./resident-vectors.js";
import { packError } from "./travelling-error.js";

const port = parentPort;
if (port === null) throw new Error("internal: the engine's thread was started as a program");

const models = new Map<number, ResidentModel>();
const vectors = new Map<number, ResidentVectors>();
const queue = new DrawingQueue();
/** Models and requests that are not ready yet, and whether they are still wanted. */
const preparing = new Map<number, { cancelled: boolean }>();
const counted = { drawn: 0, cancelled: 0, embedded: 0 };
let stepping = false;

const report = (one: Report, handedOver: readonly Transferable[] = []): void =>
  port.postMessage(one, [...handedOver]);
const done = (id: number, result: unknown): void => report({ id, kind: "done", result });
const failed = (id: number, error: unknown): void => report({ id, kind: "failed", error: packError(error) });

port.on("message", ({ id, task }: Order) => {
  if (task.kind === "cancel") return cancel(id);
  perform(id, task).catch((error: unknown) => failed(id, error));
});

async function perform(id: number, task: Task): Promise<void> {
  switch (task.kind) {
    case "load":
      return load(id, task);
    case "draw":
      return draw(id, task);
    case "embed-texts":
      counted.embedded += task.texts.length;
      return done(id, modelOf(task.model).embedTexts(task.texts));
    case "embed-pictures":
      counted.embedded += task.pictures.length;
      return done(id, await modelOf(task.model).embedPictures(task.pictures));
    case "count-words":
      return done(id, modelOf(task.model).countWords(task.texts));
    case "keep-vectors":
      vectors.set(id, new ResidentVectors(task.rows, task.width));
      return done(id, id);
    case "nearest":
      return done(id, vectorsOf(task.vectors).nearest(task.query, task.count));
    case "drop-vectors":
      vectors.get(task.vectors)?.dispose();
      vectors.delete(task.vectors);
      return done(id, null);
    case "statistics":
      return done(id, statistics());
    case "unload":
      return unload(id, task.model);
    default:
      throw new Error(`internal: no task ${JSON.stringify(task satisfies never)}`);
  }
}

async function load(id: number, order: LoadOrder): Promise<void> {
  const state = { cancelled: false };
  preparing.set(id, state);
  try {
    const model = await ResidentModel.load(order, (progress) =>
      report({ id, kind: "download", ...progress }),
    );
    if (state.cancelled) return model.dispose();
    models.set(id, model);
    done(id, { model: id, info: model.describe() } satisfies LoadedModel);
  } finally {
    preparing.delete(id);
  }
}

/** A request is prepared beside what is drawn, and queued when it is ready. */
async function draw(id: number, order: Extract<Task, { kind: "draw" }>): Promise<void> {
  const state = { cancelled: false };
  preparing.set(id, state);
  try {
    const job = await modelOf(order.model).prepare(id, order, {
      progress: (progress) => report({ id, kind: "progress", progress }, buffersOf(progress)),
      done: () => {
        counted.drawn += order.seeds.length;
        done(id, null);
      },
      failed: (error) => failed(id, error),
    });
    if (state.cancelled) return;
    queue.add(job);
    step();
  } finally {
    preparing.delete(id);
  }
}

/** Steps as long as there is something to draw, and reads messages between. */
function step(): void {
  if (stepping) return;
  stepping = true;
  const once = (): void => {
    queue.advance();
    if (queue.idle) stepping = false;
    else setImmediate(once);
  };
  setImmediate(once);
}

function cancel(id: number): void {
  const state = preparing.get(id);
  if (state !== undefined) state.cancelled = true;
  // A model that was ready before its loading was called off.
  models.get(id)?.dispose();
  models.delete(id);
  const dropped = queue.drop((job) => job.id === id);
  if (state !== undefined || dropped.length > 0) counted.cancelled++;
}

function unload(id: number, model: number): void {
  const resident = modelOf(model);
  for (const job of queue.drop(({ pipeline }) => pipeline === resident.pipeline)) job.fail(disposed());
  models.delete(model);
  resident.dispose();
  done(id, null);
}

function modelOf(model: number): ResidentModel {
  const resident = models.get(model);
  if (resident !== undefined) return resident;
  throw disposed();
}

const disposed = (): DreamError =>
  new DreamError("usage", {
    operation: "use a model",
    expected: "one that is loaded",
    got: "one that was disposed",
  });

function vectorsOf(id: number): ResidentVectors {
  const found = vectors.get(id);
  if (found !== undefined) return found;
  throw new DreamError("usage", {
    operation: "look through vectors",
    expected: "some that are kept",
    got: "some that were disposed",
  });
}

const statistics = (): EngineStatistics => ({
  ...counted,
  steps: queue.steps,
  canvasSteps: queue.canvasSteps,
  waiting: queue.waiting + preparing.size,
  underWay: queue.underWay,
  liveTensors: liveTensorCount(),
});

/** Pictures' bytes, which change hands. */
function buffersOf(progress: DrawingProgress): Transferable[] {
  const pictures =
    progress.type === "picture"
      ? [progress.picture]
      : (progress.previews ?? []).flatMap(({ pictures }) => pictures);
  return pictures.map(({ data }) => data.buffer as ArrayBuffer);
}
