/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/book/policy.h"

#include "lib/rules/scores.h"

const struct bs_layer *bs_policy_layer(const struct bs_policy *policy, uint8_t type)
{
    for (uint32_t i = 0; i < policy->layers_count; i++) {
        if (policy->layers[i].type == type) {
            return &policy->layers[i];
        }
    }
    return NULL;
}

const struct bs_layer *bs_policy_drawdown(const struct bs_policy *policy)
{
    const struct bs_layer *layer = bs_policy_layer(policy, BS_LAYER_INSURANCE);
    return layer != NULL && layer->has_max_drawdown_ppm ? layer : NULL;
}

const struct bs_layer *bs_policy_limits(const struct bs_policy *policy)
{
    for (uint32_t i = 0; i < policy->layers_count; i++) {
        const struct bs_layer *layer = &policy->layers[i];
        if (layer->has[BS_OPTION_MAX_CLOSE_PPM] || layer->has[BS_OPTION_MAX_CLOSE_PPM_PER_DAY] ||
            layer->has[BS_OPTION_MAX_LOSS_PPM] || layer->has[BS_OPTION_MAX_LOSS_PPM_PER_DAY]) {
            return layer;
        }
    }
    return NULL;
}

bool bs_policy_splits(const struct bs_policy *policy)
{
    const struct bs_layer *adl = bs_policy_layer(policy, BS_LAYER_ADL);
    return adl != NULL && bs_ranking_splits(adl->ranking);
}

bool bs_policy_insures_after(const struct bs_policy *policy, uint8_t type)
{
    const struct bs_layer *layer = bs_policy_layer(policy, type);
    const struct bs_layer *insurance = bs_policy_layer(policy, BS_LAYER_INSURANCE);
    return layer != NULL && insurance != NULL && insurance > layer;
}

bool bs_policy_has_window(const struct bs_policy *policy)
{
    return policy->layers_count > 0 &&
           policy->layers[policy->layers_count - 1].type == BS_LAYER_HAIRCUT &&
           policy->layers[policy->layers_count - 1].basis == BS_BASIS_WINDOW_GAIN;
}
