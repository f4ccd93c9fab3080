/**
 * @file Diffusion by velocity (Salimans and Ho, arXiv 2202.00512): x = cos(phi) x0 + sin(phi) noise, with the angle phi uniform in
 * time, and the head telling cos(phi) noise - sin(phi) x0. DEVIATION: not the paper's. Its noise prediction multiplies the
 * head's error by 20,290 at the first reverse step, which a head trained for minutes does not survive (DESIGN section 7).
 */
import { cat, type Generator, rand, randn, scope, type Tensor, tensor } from "../../tensor/index.js";
import type { DiffusionHead } from "./diffusion-head.js";
import type { DiffusionDraws, HeadGuidance, TokenDiffusion, TokenNoise } from "./token-diffusion.js";

/** The head is told times as the paper's process counts them. */
const headTimeScale = 1000;

export class VelocityDiffusion implements TokenDiffusion {
  /** @param stepCount reverse steps of one drawing */
  constructor(
    readonly head: DiffusionHead,
    readonly tokenWidth: number,
    readonly stepCount: number,
  ) {}

  get outputWidth(): number {
    return this.tokenWidth;
  }

  draw(rows: number, random: Generator): DiffusionDraws {
    return {
      times: rand([rows], { generator: random }),
      noise: randn([rows, this.tokenWidth], { generator: random }),
    };
  }

  loss(x0: Tensor, z: Tensor, { times, noise }: DiffusionDraws): Tensor {
    return scope(() => {
      const angle = times.mul(Math.PI / 2).unsqueeze(1);
      const [cos, sin] = [angle.cos(), angle.sin()];
      const state = cos.mul(x0).add(sin.mul(noise));
      const velocity = cos.mul(noise).sub(sin.mul(x0));
      return this.head.forward(state, times.mul(headTimeScale), z).sub(velocity).square().mean(1);
    });
  }

  sample(
    z: Tensor,
    noise: TokenNoise,
    temperature: number,
    guidance: HeadGuidance | null,
    onStep?: (x: Tensor) => void,
  ): Tensor {
    return scope(() => {
      const condition = this.head.condition.forward(z);
      let x = noise.initial;
      for (let step = 0; step < this.stepCount; step++) {
        const state = x;
        x = scope(() => {
          const velocity = this.#velocity(state, 1 - step / this.stepCount, condition, guidance);
          return this.#reverse(state, velocity, step, noise.steps.select(0, step), temperature);
        });
        onStep?.(x);
      }
      return x;
    });
  }

  #velocity(x: Tensor, time: number, condition: Tensor, guidance: HeadGuidance | null): Tensor {
    const told = this.head.timeEmbedding.forward(tensor([time * headTimeScale], [1], { device: x.device }));
    if (guidance === null) return this.head.denoise(x, told, condition);
    const [conditional, unconditional] = this.head.denoise(cat([x, x], 0), told, condition).chunk(2, 0) as [
      Tensor,
      Tensor,
    ];
    return unconditional.add(conditional.sub(unconditional).mul(guidance.scale));
  }

  /** An ancestral step: the posterior of the earlier state, given this one and the clean token that the velocity implies. */
  #reverse(x: Tensor, velocity: Tensor, step: number, noise: Tensor, temperature: number): Tensor {
    const angle = ((1 - step / this.stepCount) * Math.PI) / 2;
    const earlier = ((1 - (step + 1) / this.stepCount) * Math.PI) / 2;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    const start = x.mul(cos).sub(velocity.mul(sin));
    if (step === this.stepCount - 1) return start;
    const direction = x.mul(sin).add(velocity.mul(cos));
    const [signal, deviation] = [Math.cos(earlier), Math.sin(earlier)];
    const variance = (deviation ** 2 / sin ** 2) * (1 - (cos / signal) ** 2);
    const kept = Math.sqrt(Math.max(0, deviation ** 2 - variance));
    return start
      .mul(signal)
      .add(direction.mul(kept))
      .add(noise.mul(Math.sqrt(variance) * temperature));
  }
}
