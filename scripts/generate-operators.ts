/**
 * @file Writes `src/tensor/operators.ts`: typed operators for an allow-list, from the schemas of the libtorch in use.
 * Run by `npm run operators`; the result is committed, so that types do not depend on the machine.
 *
 * An entry is `name: overload`, or `name: overload | scalar overload` where a number may stand for the second operand.
 * Methods take their first tensor as `this`; functions take everything.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../src/tensor/native.js";
import { operatorSchemas } from "../src/tensor/runtime.js";

const methods = `
add: add.Tensor | add.Scalar
add_: add_.Tensor | add_.Scalar
sub: sub.Tensor | sub.Scalar
sub_: sub_.Tensor | sub_.Scalar
mul: mul.Tensor | mul.Scalar
mul_: mul_.Tensor | mul_.Scalar
div: div.Tensor | div.Scalar
div_: div_.Tensor | div_.Scalar
pow: pow.Tensor_Scalar
neg: neg
exp: exp
log: log
log1p: log1p
sqrt: sqrt
rsqrt: rsqrt
reciprocal: reciprocal
abs: abs
sin: sin
cos: cos
tanh: tanh
sigmoid: sigmoid
relu: relu
silu: silu
floor: floor
ceil: ceil
round: round
square: square
isfinite: isfinite
logicalNot: logical_not
logicalAnd: logical_and
logicalOr: logical_or
logicalXor: logical_xor
eq: eq.Tensor | eq.Scalar
ne: ne.Tensor | ne.Scalar
lt: lt.Tensor | lt.Scalar
le: le.Tensor | le.Scalar
gt: gt.Tensor | gt.Scalar
ge: ge.Tensor | ge.Scalar
maximum: maximum
minimum: minimum
clamp: clamp
clamp_: clamp_
lerp_: lerp_.Scalar
matmul: matmul
bmm: bmm
mm: mm
addmm: addmm
sum: sum.dim_IntList
mean: mean.dim
variance: var.correction
amax: amax
amin: amin
argmax: argmax
argmin: argmin
argsort: argsort
cumsum: cumsum
topk: topk
sort: sort
all: all
any: any
norm: norm.ScalarOpt_dim
softmax: softmax.int
logSoftmax: log_softmax.int
logsumexp: logsumexp
reshape: reshape
view: view
permute: permute
transpose: transpose.int
t: t
unsqueeze: unsqueeze
squeeze: squeeze.dim
expand: expand
repeat: repeat
repeatInterleave: repeat_interleave.self_int
flatten: flatten.using_ints
unbind: unbind.int
chunk: chunk
split: split.Tensor
narrow: narrow
select: select.int
slice: slice.Tensor
indexSelect: index_select
index: index.Tensor
indexPut_: index_put_
gather: gather
scatter: scatter.src
scatterValue: scatter.value
maskedFill: masked_fill.Scalar
maskedFill_: masked_fill_.Scalar
maskedSelect: masked_select
nonzero: nonzero
flip: flip
roll: roll
tril: tril
triu: triu
diagonal: diagonal
contiguous: contiguous
clone: clone
detach: detach
copy_: copy_
zero_: zero_
fill_: fill_.Scalar
normal_: normal_
uniform_: uniform_
addcmul_: addcmul_
addcdiv_: addcdiv_
to: _to_copy
outer: outer
dot: dot
specialNdtri: special_ndtri
specialNdtr: special_ndtr
erf: erf
unfold: unfold
linalgNorm: linalg_vector_norm
`;

const functions = `
zeros: zeros
ones: ones
full: full
empty: empty.memory_format
arange: arange.start_step
linspace: linspace
eye: eye
zerosLike: zeros_like
onesLike: ones_like
emptyLike: empty_like
fullLike: full_like
randn: randn.generator
rand: rand.generator
randint: randint.low_generator
randperm: randperm.generator
cat: cat
stack: stack
where: where.self
einsum: einsum
oneHot: one_hot
linear: linear
embedding: embedding
layerNorm: layer_norm
batchNorm: batch_norm
gelu: gelu
dropout: dropout
convolution2d: conv2d
groupNorm: group_norm
mseLoss: mse_loss
crossEntropy: cross_entropy_loss
cosineSimilarity: cosine_similarity
baddbmm: baddbmm
scaledDotProductAttention: scaled_dot_product_attention
linalgEigh: linalg_eigh
linalgQr: linalg_qr
foreachAdd_: _foreach_add_.List
foreachMul_: _foreach_mul_.Scalar
upsampleBicubic: upsample_bicubic2d
upsampleNearest: upsample_nearest2d
upsampleBilinear: upsample_bilinear2d
avgPool2d: avg_pool2d
maxPool2d: max_pool2d
constantPad: constant_pad_nd
`;

interface Parameter {
  readonly name: string;
  readonly type: string;
  readonly fallback: string | undefined;
  readonly keywordOnly: boolean;
}

interface Schema {
  readonly text: string;
  readonly name: string;
  readonly overload: string;
  readonly parameters: readonly Parameter[];
  readonly results: readonly string[];
}

interface Entry {
  readonly name: string;
  readonly schema: Schema;
  readonly scalar: Schema | undefined;
}

/** Where this libtorch lacks an operator that newer ones have, its published schema. */
const published = [
  "aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None) -> (Tensor)",
];

const schemas = new Map(
  [...published, ...operatorSchemas()].map((text) => [text.slice(6, text.indexOf("(")), text]),
);

function camel(name: string): string {
  return name.replace(/^_+/, "").replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function split(list: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const letter of list) {
    if ("([".includes(letter)) depth++;
    if (")]".includes(letter)) depth--;
    if (letter === "," && depth === 0) {
      parts.push(part.trim());
      part = "";
    } else part += letter;
  }
  if (part.trim() !== "") parts.push(part.trim());
  return parts;
}

function parse(key: string): Schema {
  const text = schemas.get(key);
  if (text === undefined) throw new Error(`no schema ${key} in this libtorch`);
  const arrow = text.lastIndexOf(") -> ");
  const open = text.indexOf("(");
  let keywordOnly = false;
  const parameters: Parameter[] = [];
  for (const part of split(text.slice(open + 1, arrow))) {
    if (part === "*") {
      keywordOnly = true;
      continue;
    }
    const [, type = "", name = "", fallback] = /^(\S+(?:\([^)]*\)\S*)?) ([\w]+)(?:=(.*))?$/.exec(part) ?? [];
    parameters.push({ name, type: type.replace(/\(\w+( -> \w+)?!?\)/g, ""), fallback, keywordOnly });
  }
  const returned = text.slice(arrow + 5).replace(/^\(|\)$/g, "");
  const results = split(returned).map((part) => part.replace(/\(\w+( -> \w+)?!?\)/g, "").split(" ")[0] ?? "");
  const [name = "", overload = ""] = text.slice(0, open).split(".");
  return { text, name, overload, parameters, results };
}

const hidden = new Set([
  "layout",
  "pin_memory",
  "memory_format",
  "non_blocking",
  "out",
  "cudnn_enable",
  "cudnn_enabled",
]);

function typeOf({ type }: Parameter): string {
  const optional = type.endsWith("?") && !type.endsWith("[]");
  const bare = optional ? type.slice(0, -1) : type;
  const known: Record<string, string> = {
    Tensor: "Tensor",
    "Tensor[]": "readonly Tensor[]",
    "Tensor?[]": "readonly (Tensor | null)[]",
    int: "number",
    SymInt: "number",
    float: "number",
    Scalar: "number",
    bool: "boolean",
    str: "string",
    ScalarType: "DType",
    Device: "Device",
    Generator: "Generator",
    "float[]": "readonly number[]",
  };
  const name = known[bare] ?? (/^(Sym)?[iI]nt\[\d*\]$/.test(bare) ? "number | readonly number[]" : undefined);
  if (name === undefined) throw new Error(`no TypeScript type for ${type}`);
  return optional ? `${name} | null` : name;
}

function argumentOf(parameter: Parameter, expression: string, defined: boolean): string {
  const optional = parameter.type.endsWith("?") || !defined;
  const through = (member: string): string =>
    optional ? `${expression}?.${member}` : `${expression}.${member}`;
  switch (parameter.type.replace(/\?$/, "")) {
    case "Tensor":
    case "Generator":
      return through("slot");
    case "Tensor[]":
      return `slotsOf(${expression})`;
    case "Tensor?[]":
      return `${expression}.map((one) => one?.slot ?? null)`;
    case "ScalarType":
      return `dtypeOrNothing(${expression})`;
    default:
      return expression;
  }
}

/** Parameters that callers see, with those that a `?` marks as optional at the end. */
function render({ name, schema, scalar }: Entry, method: boolean): { declaration: string; body: string } {
  const visible = schema.parameters.filter((p, i) => !hidden.has(p.name) && !(method && i === 0));
  const positional = visible.filter((p) => !p.keywordOnly);
  const keywords = visible.filter((p) => p.keywordOnly);
  const isOptional = positional.map((p) => p.fallback !== undefined || p.type.endsWith("?"));
  for (let i = isOptional.length - 2; i >= 0; i--) isOptional[i] = isOptional[i]! && isOptional[i + 1]!;
  const signature = positional.map((p, i) => {
    const type = scalar !== undefined && p.name === "other" ? "Tensor | number" : typeOf(p);
    return `${camel(p.name)}${isOptional[i] ? "?" : ""}: ${type}`;
  });
  const needed = keywords.some((p) => p.fallback === undefined && !p.type.endsWith("?"));
  if (keywords.length > 0) {
    const fields = keywords.map((p) => {
      const must = p.fallback === undefined && !p.type.endsWith("?");
      return `${camel(p.name)}${must ? "" : "?"}: ${typeOf(p)}`;
    });
    const followsOptional = isOptional.includes(true);
    signature.push(`options${needed && !followsOptional ? "" : "?"}: { ${fields.join("; ")} }`);
  }
  const values = (of: Schema): string => {
    const list = of.parameters.map((p, i) => {
      if (method && i === 0) return "this.slot";
      if (hidden.has(p.name)) return p.name.startsWith("cudnn") ? "true" : "undefined";
      if (keywords.some((q) => q.name === p.name))
        return argumentOf(p, `options${needed ? "" : "?"}.${camel(p.name)}`, false);
      const index = positional.findIndex((q) => q.name === p.name);
      if (index < 0) throw new Error(`${of.text}: no parameter ${p.name}`);
      return argumentOf(p, camel(p.name), !isOptional[index]);
    });
    while (list.at(-1) === "undefined") list.pop();
    return list.length > 0 ? `, ${list.join(", ")}` : "";
  };
  const results = schema.results;
  const [returns, call] =
    results.length === 1 && results[0] === "Tensor[]"
      ? ["Tensor[]", "invokeTensors"]
      : results.length > 1
        ? [`[${results.map((r) => (r === "Tensor" ? "Tensor" : "number")).join(", ")}]`, "invokeTensors"]
        : results.length === 0 || results[0] === ""
          ? ["void", "invoke"]
          : ["Tensor", "invokeTensor"];
  const cast = results.length > 1 ? ` as ${returns}` : "";
  const run = (of: Schema): string => `${call}(${constant(of)}${values(of)})${cast}`;
  const give = returns === "void" ? "" : "return ";
  const body =
    scalar === undefined
      ? `  ${give}${run(schema)};`
      : `  if (typeof other === "number") ${give}${run(scalar)};\n  ${give}${run(schema)};`;
  return { declaration: `${name}(${signature.join(", ")}): ${returns}`, body };
}

const constants = new Map<string, string>();

function constant(schema: Schema): string {
  const name = `op_${schema.name.replace("aten::", "")}${schema.overload === "" ? "" : `_${schema.overload}`}`;
  constants.set(name, `const ${name} = findOperator("${schema.name}", "${schema.overload}");`);
  return name;
}

function entries(list: string): Entry[] {
  return list
    .trim()
    .split("\n")
    .map((line) => {
      const [name = "", keys = ""] = line.split(": ");
      const [first = "", second] = keys.split(" | ");
      return { name, schema: parse(first), scalar: second === undefined ? undefined : parse(second) };
    });
}

const rendered = entries(methods).map((entry) => ({ ...render(entry, true), entry }));
const free = entries(functions).map((entry) => ({ ...render(entry, false), entry }));

const lines = [
  "/**",
  " * @file Typed operators, generated from libtorch's schemas by `npm run operators`; do not edit. Each one's comment is",
  " * its schema. Methods are added to Tensor; what makes a tensor from nothing, or takes several, is a function.",
  " */",
  'import { type DType, dtypeCode } from "./dtype.js";',
  'import type { Generator } from "./random.js";',
  'import { type Device, findOperator, invoke, invokeTensor, invokeTensors, slotsOf, Tensor } from "./tensor.js";',
  "",
  'declare module "./tensor.js" {',
  "  interface Tensor {",
  ...rendered.flatMap(({ declaration, entry }) => [
    `    /** \`${entry.schema.text}\` */`,
    `    ${declaration};`,
  ]),
  "  }",
  "}",
  "",
  ...[...constants.values()].sort(),
  "",
  "function dtypeOrNothing(dtype: DType | null | undefined): number | null | undefined {",
  '  return typeof dtype === "string" ? dtypeCode(dtype) : dtype;',
  "}",
  "",
  ...rendered.flatMap(({ declaration, body, entry }) => [
    `Tensor.prototype.${entry.name} = function ${declaration.slice(entry.name.length)} {`,
    body,
    "};",
    "",
  ]),
  ...free.flatMap(({ declaration, body, entry }) => [
    `/** \`${entry.schema.text}\` */`,
    `export function ${declaration} {`,
    body,
    "}",
    "",
  ]),
];
if (!lines.some((line) => line.includes(" invoke(")))
  lines.splice(
    lines.indexOf(
      'import { type Device, findOperator, invoke, invokeTensor, invokeTensors, slotsOf, Tensor } from "./tensor.js";',
    ),
    1,
    'import { type Device, findOperator, invokeTensor, invokeTensors, slotsOf, Tensor } from "./tensor.js";',
  );

writeFileSync(join(packageRoot(), "src", "tensor", "operators.ts"), lines.join("\n"));
process.stderr.write(`${rendered.length} methods and ${free.length} functions written\n`);
