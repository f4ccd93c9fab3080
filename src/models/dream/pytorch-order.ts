/**
 * @file The order of the release's parameters, which its optimiser's state counts by: first the tensors that belong to the model itself, then
 * module by module as its constructor makes them. (The recorded `parameter_order` of a model holds this to the letter.)
 */

/** Names that end with a dot are modules. */
const ranks: readonly string[] = [
  "fake_latent",
  "encoder_pos_embed_learned",
  "mask_token",
  "decoder_pos_embed_learned",
  "text_pos_emb",
  "diffusion_pos_embed_learned",
  "positional_embedding",
  "image_projection",
  "text_projection",
  "logit_scale",
  "class_emb.",
  "z_proj.",
  "z_proj_ln.",
  "encoder_blocks.",
  "encoder_norm.",
  "decoder_embed.",
  "decoder_proj_ln.",
  "decoder_blocks.",
  "text_proj.",
  "text_proj_ln.",
  "text_aligner.",
  "decoder_norm.",
  "transformer.",
  "token_embedding.",
  "ln_final.",
  "image_projection.",
  "text_projection.",
  "diffloss.",
  "repa_projector.",
];

/** Within a block of the text tower attention comes before the first norm, and the MLP before the second. */
const inTextBlock: readonly string[] = ["attn", "ln_1", "mlp", "ln_2"];

/** @param name one of the release's @returns places to compare, one after another */
function placeOf(name: string): readonly [module: number, block: number, part: number] {
  const top = name.includes(".") ? `${name.split(".")[0]}.` : name;
  const rank = ranks.indexOf(top);
  const [, block, part] = /^transformer\.resblocks\.(\d+)\.(\w+)/.exec(name) ?? [];
  // What the release does not have comes last.
  return [rank < 0 ? ranks.length : rank, Number(block ?? 0), inTextBlock.indexOf(part ?? "")];
}

/** Puts things in the release's order. @param items in the order of our properties @param nameOf the release's name of each */
export function inPytorchOrder<T>(items: readonly T[], nameOf: (item: T) => string): T[] {
  const placed = items.map((item) => ({ item, place: placeOf(nameOf(item)) }));
  placed.sort(({ place: a }, { place: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  return placed.map(({ item }) => item);
}
