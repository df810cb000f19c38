/** @file AdamW: Adam with decoupled weight decay, as torch computes it. */

import { zeros } from '../../foundation/numeric/tensor.ts'
import type { UpdateRule, UpdateStep } from './optimizer.ts'

export interface AdamWOptions {
  /** Decay of the first and second moment; default [0.9, 0.999]. */
  betas?: readonly [number, number]
  /** Added to the root of the second moment; default 1e-8. */
  epsilon?: number
  /** Share of a parameter taken away at each update, times the learning rate; default 0. */
  weightDecay?: number
}

/**
 * @see Loshchilov & Hutter 2019; torch.optim.AdamW (whose defaults these are, but for the decay)
 */
export function adamW({
  betas = [0.9, 0.999],
  epsilon = 1e-8,
  weightDecay = 0,
}: AdamWOptions = {}): UpdateRule {
  return {
    async start(parameters) {
      const slots = Object.entries(parameters).map(([name, parameter]) => ({
        name,
        parameter: parameter.data,
        first: zeros(parameter.dims),
        second: zeros(parameter.dims),
      }))
      const constants = { betas, epsilon, weightDecay }
      return {
        state: Object.fromEntries(
          slots.flatMap(({ name, first, second }) => [
            [`${name}/first_moment`, first],
            [`${name}/second_moment`, second],
          ]),
        ),
        async update(gradients, at) {
          for (const { name, parameter, first, second } of slots) {
            adamWUpdate(parameter, gradients[name]!.data, first.data, second.data, at, constants)
          }
        },
        close: async () => {},
      }
    },
  }
}

/**
 * One pass over memory: 2.5 million parameters take about 10 ms. Arithmetic in f64, stored as f32.
 */
function adamWUpdate(
  parameter: Float32Array,
  gradient: Float32Array,
  first: Float32Array,
  second: Float32Array,
  { step, learningRate, gradientScale }: UpdateStep,
  { betas: [beta1, beta2], epsilon, weightDecay }: Required<AdamWOptions>,
): void {
  const keep = 1 - learningRate * weightDecay
  const rate = learningRate / (1 - beta1 ** (step + 1))
  const correction = 1 / Math.sqrt(1 - beta2 ** (step + 1))
  const fresh1 = 1 - beta1
  const fresh2 = 1 - beta2
  for (let i = 0; i < parameter.length; i++) {
    const g = gradient[i]! * gradientScale
    const m = beta1 * first[i]! + fresh1 * g
    const v = beta2 * second[i]! + fresh2 * g * g
    first[i] = m
    second[i] = v
    parameter[i] = keep * parameter[i]! - (rate * m) / (Math.sqrt(v) * correction + epsilon)
  }
}
