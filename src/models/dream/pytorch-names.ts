/**
 * @file The names under which the release stores its state (SPEC section 9), from our property paths: a list of
 * replacements, applied in order.
 */
import type { Module, NamedTensor } from "../../nn/index.js";

const replacements: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^encoder\.classEmbedding\./, "class_emb."],
  [/^encoder\.fakeLatent$/, "fake_latent"],
  [/^encoder\.inputProjection\./, "z_proj."],
  [/^encoder\.inputNorm\./, "z_proj_ln."],
  [/^encoder\.positions$/, "encoder_pos_embed_learned"],
  [/^encoder\.blocks\./, "encoder_blocks."],
  [/^encoder\.norm\./, "encoder_norm."],
  [/^decoder\.embedding\./, "decoder_embed."],
  [/^decoder\.inputNorm\./, "decoder_proj_ln."],
  [/^decoder\.maskToken$/, "mask_token"],
  [/^decoder\.positions$/, "decoder_pos_embed_learned"],
  [/^decoder\.blocks\./, "decoder_blocks."],
  [/^decoder\.norm\./, "decoder_norm."],
  [/^decoder\.outputPositions$/, "diffusion_pos_embed_learned"],
  [/^textAligner\.words\./, "word_embedding."],
  [/^textAligner\.projection\./, "text_proj."],
  [/^textAligner\.norm\./, "text_proj_ln."],
  [/^textAligner\.positions$/, "text_pos_emb"],
  [/^textAligner\.blocks\./, "text_aligner."],
  [/^textTower\.tokenEmbedding\./, "token_embedding."],
  [/^textTower\.positions$/, "positional_embedding"],
  [/^textTower\.norm\./, "ln_final."],
  [/^textTower\.projection\.projection/, "text_projection"],
  [/^textTower\.blocks\./, "transformer.resblocks."],
  [/^(transformer\.resblocks\.\d+)\.norm(\d)\./, "$1.ln_$2."],
  [/^(transformer\.resblocks\.\d+)\.attention\.qkv\.(\w+)$/, "$1.attn.in_proj_$2"],
  [/^(transformer\.resblocks\.\d+)\.attention\.projection\./, "$1.attn.out_proj."],
  [/^(transformer\.resblocks\.\d+)\.mlp\.fc1\./, "$1.mlp.c_fc."],
  [/^(transformer\.resblocks\.\d+)\.mlp\.fc2\./, "$1.mlp.c_proj."],
  [/^imageProjection\.projection/, "image_projection"],
  [/^alignmentProjector\./, "repa_projector."],
  [/^(image_projection|text_projection|repa_projector)\.layers\.0\./, "$1.0."],
  [/^(image_projection|text_projection|repa_projector)\.layers\.1\./, "$1.2."],
  [/^(image_projection|text_projection|repa_projector)\.layers\.2\./, "$1.4."],
  [/\.runningMean$/, ".running_mean"],
  [/\.runningVariance$/, ".running_var"],
  [/\.batchCount$/, ".num_batches_tracked"],
  [/^logitScale$/, "logit_scale"],
  [/^diffusionHead\.timeEmbedding\.fc1\./, "diffloss.net.time_embed.mlp.0."],
  [/^diffusionHead\.timeEmbedding\.fc2\./, "diffloss.net.time_embed.mlp.2."],
  [/^diffusionHead\.condition\./, "diffloss.net.cond_embed."],
  [/^diffusionHead\.input\./, "diffloss.net.input_proj."],
  [/^diffusionHead\.blocks\.(\d+)\.norm\./, "diffloss.net.res_blocks.$1.in_ln."],
  [/^diffusionHead\.blocks\.(\d+)\.fc1\./, "diffloss.net.res_blocks.$1.mlp.0."],
  [/^diffusionHead\.blocks\.(\d+)\.fc2\./, "diffloss.net.res_blocks.$1.mlp.2."],
  [/^diffusionHead\.blocks\.(\d+)\.modulation\./, "diffloss.net.res_blocks.$1.adaLN_modulation.1."],
  [/^diffusionHead\.final\.linear\./, "diffloss.net.final_layer.linear."],
  [/^diffusionHead\.final\.modulation\./, "diffloss.net.final_layer.adaLN_modulation.1."],
  [/\.attention\.qkv\./, ".attn.qkv."],
  [/\.attention\.projection\./, ".attn.proj."],
  [/\.selfAttention\.qkv\./, ".self_attn.qkv."],
  [/\.selfAttention\.projection\./, ".self_attn.proj."],
  [/\.crossAttention\.(q|kv)\./, ".cross_attn.$1."],
  [/\.crossAttention\.projection\./, ".cross_attn.proj."],
];

/** The release's name for one of our property paths. */
export function pytorchName(path: string): string {
  return replacements.reduce((name, [pattern, replacement]) => name.replace(pattern, replacement), path);
}

/** A model's whole state under the release's names: parameters and buffers. */
export function pytorchState(model: Module): NamedTensor[] {
  return [...model.namedTensors()].map(([path, tensor]) => [pytorchName(path), tensor]);
}
