/** @file What a model is aligned to (REPA, SPEC section 10): a frozen DINOv2's features, one for each token of a picture. */
import { type DinoModel, dinoTargets } from "../models/frozen/dino.js";
import { noGrad, scope, type Tensor } from "../tensor/index.js";

export class AlignmentEncoder {
  /**
   * @param identity tells encoders apart whose features differ
   * @param tokensAcross of a picture
   */
  constructor(
    readonly identity: string,
    readonly dino: DinoModel,
    readonly tokensAcross: number,
  ) {}

  /** @param pixels [B, 3, H, W], -1..1 @returns [B, N, W] on the CPU */
  targets(pixels: Tensor): Tensor {
    const { device } = this.dino.positions;
    return noGrad(() =>
      scope(() => {
        const colours = pixels.to({ device }).add(1).div(2);
        return dinoTargets(this.dino, colours, this.tokensAcross).to({ device: "cpu" });
      }),
    );
  }
}
