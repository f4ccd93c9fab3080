"""DREAM in plain PyTorch, as a person would write it from the paper: timm-like blocks with ordinary attention and nn.Dropout, a text tower
of nn.MultiheadAttention, every token projected before masking, the head over all tokens with the loss masked. Parameters have the
release's names, so that one set of weights serves both sides of the bench."""
import math

import torch
import torch.nn.functional as F
from torch import nn

HAS_SDPA = hasattr(F, "scaled_dot_product_attention")


class LayerNorm(nn.LayerNorm):
    """In float32, as autocast does it on CUDA; older versions on the CPU refuse anything else."""

    def forward(self, x):
        return super().forward(x.float())


def attend(q, k, v, dropout, training):
    """q, k, v: [B, heads, N, d]."""
    if HAS_SDPA:
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout.p if training else 0.0)
    weights = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    return dropout(weights.softmax(dim=-1)) @ v


class Attention(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.attn_drop = nn.Dropout(dropout["attention"])
        self.proj = nn.Linear(width, width)
        self.proj_drop = nn.Dropout(dropout["projection"])

    def forward(self, x):
        B, N, D = x.shape
        q, k, v = self.qkv(x).reshape(B, N, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        x = attend(q, k, v, self.attn_drop, self.training)
        return self.proj_drop(self.proj(x.transpose(1, 2).reshape(B, N, D)))


class CrossAttention(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.attn_drop = nn.Dropout(dropout["attention"])
        self.proj = nn.Linear(width, width)
        self.proj_drop = nn.Dropout(dropout["projection"])

    def forward(self, x, text):
        B, N, D = x.shape
        L = text.shape[1]
        q = self.q(x).reshape(B, N, self.heads, D // self.heads).transpose(1, 2)
        k, v = self.kv(text).reshape(B, L, 2, self.heads, D // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        x = attend(q, k, v, self.attn_drop, self.training)
        return self.proj_drop(self.proj(x.transpose(1, 2).reshape(B, N, D)))


class Mlp(nn.Module):
    def __init__(self, width, hidden, dropout):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.drop1 = nn.Dropout(dropout["projection"])
        self.fc2 = nn.Linear(hidden, width)
        self.drop2 = nn.Dropout(dropout["projection"])

    def forward(self, x):
        return self.drop2(self.fc2(self.drop1(self.act(self.fc1(x)))))


class Block(nn.Module):
    def __init__(self, stack, epsilon, dropout):
        super().__init__()
        width = stack["width"]
        self.norm1 = LayerNorm(width, eps=epsilon)
        self.attn = Attention(width, stack["heads"], dropout)
        self.norm2 = LayerNorm(width, eps=epsilon)
        self.mlp = Mlp(width, stack["mlpWidth"], dropout)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class CrossBlock(nn.Module):
    def __init__(self, stack, epsilon, dropout):
        super().__init__()
        width = stack["width"]
        self.norm0 = LayerNorm(width, eps=epsilon)
        self.self_attn = Attention(width, stack["heads"], dropout)
        self.norm1 = LayerNorm(width, eps=epsilon)
        self.cross_attn = CrossAttention(width, stack["heads"], dropout)
        self.norm2 = LayerNorm(width, eps=epsilon)
        self.mlp = Mlp(width, stack["mlpWidth"], dropout)

    def forward(self, x, text):
        x = x + self.self_attn(self.norm0(x))
        x = x + self.cross_attn(self.norm1(x), text)
        return x + self.mlp(self.norm2(x))


class TextBlock(nn.Module):
    """CLIP's residual attention block."""

    def __init__(self, width, heads):
        super().__init__()
        self.ln_1 = LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = LayerNorm(width)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, 4 * width), "c_proj": nn.Linear(4 * width, width)})

    def forward(self, x, mask):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp["c_proj"](F.gelu(self.mlp["c_fc"](self.ln_2(x))))


class Transformer(nn.Module):
    def __init__(self, width, depth, heads):
        super().__init__()
        self.resblocks = nn.ModuleList([TextBlock(width, heads) for _ in range(depth)])


class ImageProjection(nn.Module):
    def __init__(self, width, hidden, joint):
        super().__init__()
        self.layer1 = nn.Linear(width, hidden)
        self.bn1 = nn.BatchNorm1d(hidden)
        self.layer2 = nn.Linear(hidden, hidden)
        self.bn2 = nn.BatchNorm1d(hidden)
        self.layer3 = nn.Linear(hidden, joint)

    def forward(self, x):
        x = F.relu(self.bn1(self.layer1(x).float()))
        return self.layer3(F.relu(self.bn2(self.layer2(x).float())))


class ResidualBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.in_ln = LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 3 * width))

    def forward(self, x, y):
        shift, scale, gate = self.adaLN_modulation(y).chunk(3, dim=-1)
        return x + gate * self.mlp(self.in_ln(x) * (1 + scale) + shift)


class FinalLayer(nn.Module):
    def __init__(self, width, output):
        super().__init__()
        self.norm = LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.linear = nn.Linear(width, output)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))

    def forward(self, x, y):
        shift, scale = self.adaLN_modulation(y).chunk(2, dim=-1)
        return self.linear(self.norm(x) * (1 + scale) + shift)


class TimeEmbed(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t):
        frequencies = torch.exp(-math.log(10000) * torch.arange(128, device=t.device, dtype=torch.float32) / 128)
        angles = t[:, None].float() * frequencies[None]
        return self.mlp(torch.cat([angles.cos(), angles.sin()], dim=-1))


class Head(nn.Module):
    def __init__(self, token, condition, depth, width):
        super().__init__()
        self.time_embed = TimeEmbed(width)
        self.cond_embed = nn.Linear(condition, width)
        self.input_proj = nn.Linear(token, width)
        self.res_blocks = nn.ModuleList([ResidualBlock(width) for _ in range(depth)])
        self.final_layer = FinalLayer(width, 2 * token)

    def forward(self, x, t, c):
        y = self.time_embed(t) + self.cond_embed(c)
        x = self.input_proj(x)
        for block in self.res_blocks:
            x = block(x, y)
        return self.final_layer(x, y)


def approximate_cdf(x):
    return 0.5 * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


class DiffusionLoss(nn.Module):
    """ADM's training loss: noise prediction and the variational term of a learned variance."""

    def __init__(self, token, condition, depth, width):
        super().__init__()
        self.net = Head(token, condition, depth, width)
        bar = lambda t: math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
        beta = torch.tensor([min(1 - bar((i + 1) / 1000) / bar(i / 1000), 0.999) for i in range(1000)], dtype=torch.float64)
        alpha = torch.cumprod(1 - beta, 0)
        before = torch.cat([torch.ones(1, dtype=torch.float64), alpha[:-1]])
        variance = beta * (1 - before) / (1 - alpha)
        tables = {
            "signal": alpha.sqrt(),
            "deviation": (1 - alpha).sqrt(),
            "from_state": (1 / alpha).sqrt(),
            "from_noise": (1 / alpha - 1).sqrt(),
            "mean_start": beta * before.sqrt() / (1 - alpha),
            "mean_state": (1 - before) * (1 - beta).sqrt() / (1 - alpha),
            "log_least": torch.cat([variance[1:2], variance[1:]]).log(),
            "log_beta": beta.log(),
        }
        for name, table in tables.items():
            self.register_buffer(name, table.float(), persistent=False)

    def forward(self, target, z, t, noise, mask):
        """target, noise: [R, C]; z: [R, D]; t, mask: [R]."""
        at = lambda table: table[t][:, None]
        state = at(self.signal) * target + at(self.deviation) * noise
        predicted, share = self.net(state, t, z).float().chunk(2, dim=1)
        mse = ((noise - predicted) ** 2).mean(dim=1)
        share = (share + 1) / 2
        log_variance = share * at(self.log_beta) + (1 - share) * at(self.log_least)
        start = at(self.from_state) * state - at(self.from_noise) * predicted.detach()
        mean = at(self.mean_start) * start + at(self.mean_state) * state
        truth = at(self.mean_start) * target + at(self.mean_state) * state
        least = at(self.log_least)
        kl = 0.5 * (-1 + log_variance - least + (least - log_variance).exp() + (truth - mean) ** 2 * (-log_variance).exp())
        inverse = (-0.5 * log_variance).exp()
        centred = target - mean
        upper = approximate_cdf(inverse * (centred + 1 / 255))
        lower = approximate_cdf(inverse * (centred - 1 / 255))
        log_upper, log_rest = upper.clamp(min=1e-12).log(), (1 - lower).clamp(min=1e-12).log()
        inside = (upper - lower).clamp(min=1e-12).log()
        likelihood = torch.where(target < -0.999, log_upper, torch.where(target > 0.999, log_rest, inside))
        bits = torch.where(t == 0, -likelihood.mean(dim=1), kl.mean(dim=1)) / math.log(2)
        return ((mse + bits) * mask).sum() / mask.sum()


class Dream(nn.Module):
    def __init__(self, config):
        super().__init__()
        latent, encoder, decoder, dropout = config["latent"], config["encoder"], config["decoder"], config["dropout"]
        tower, captions, joint, head = config["textTower"], config["captions"], config["joint"], config["head"]
        epsilon, self.buffers_count = config["normEpsilon"], config["bufferTokens"]
        self.patch, self.draws = latent["patch"], config["drawsPerToken"]
        self.weights, self.visible_least = config["lossWeights"], config["contrastive"]["minimumVisible"]
        tokens, token = (latent["side"] // latent["patch"]) ** 2, latent["channels"] * latent["patch"] ** 2
        places, D, E = self.buffers_count + tokens, decoder["width"], encoder["width"]
        parameter = lambda *shape: nn.Parameter(torch.randn(*shape) * 0.02)
        self.class_emb = nn.Embedding(config["classes"]["count"], E)
        self.fake_latent = parameter(1, E)
        self.z_proj = nn.Linear(token, E)
        self.z_proj_ln = LayerNorm(E, eps=1e-6)
        self.encoder_pos_embed_learned = parameter(1, places, E)
        self.encoder_blocks = nn.ModuleList([Block(encoder, epsilon, dropout) for _ in range(encoder["depth"])])
        self.encoder_norm = LayerNorm(E, eps=epsilon)
        self.decoder_embed = nn.Linear(E, D)
        self.mask_token = parameter(1, 1, D)
        self.decoder_pos_embed_learned = parameter(1, places, D)
        self.decoder_proj_ln = LayerNorm(D, eps=1e-6)
        self.decoder_blocks = nn.ModuleList([CrossBlock(decoder, epsilon, dropout) for _ in range(decoder["depth"])])
        self.decoder_norm = LayerNorm(D, eps=epsilon)
        self.diffusion_pos_embed_learned = parameter(1, tokens, D)
        self.text_proj = nn.Linear(captions["width"], D)
        self.text_pos_emb = nn.Parameter(torch.zeros(1, captions["length"], D))
        self.text_proj_ln = LayerNorm(D, eps=1e-6)
        self.text_aligner = nn.ModuleList([Block(decoder, epsilon, dropout) for _ in range(config["alignerDepth"])])
        self.token_embedding = nn.Embedding(tower["vocabulary"], tower["width"])
        self.positional_embedding = parameter(tower["contextLength"], tower["width"])
        self.transformer = Transformer(tower["width"], tower["depth"], tower["heads"])
        self.ln_final = LayerNorm(tower["width"])
        self.text_projection = nn.Parameter(torch.randn(tower["width"], joint["width"]) * tower["width"] ** -0.5)
        self.image_projection = ImageProjection(E, joint["image"]["hiddenWidth"], joint["width"])
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.diffloss = DiffusionLoss(token, D, head["depth"], head["width"])
        mask = torch.full((tower["contextLength"],) * 2, float("-inf")).triu(1)
        self.register_buffer("causal", mask, persistent=False)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        for layer in [*(block.adaLN_modulation[1] for block in self.diffloss.net.res_blocks),
                      self.diffloss.net.final_layer.adaLN_modulation[1], self.diffloss.net.final_layer.linear]:
            nn.init.zeros_(layer.weight)

    def patchify(self, x):
        B, C, H, W = x.shape
        p = self.patch
        return x.reshape(B, C, H // p, p, W // p, p).permute(0, 2, 4, 1, 3, 5).reshape(B, -1, C * p * p)

    def encode(self, tokens, mask):
        B, N, _ = tokens.shape
        x = self.z_proj(tokens)
        buffers = self.class_emb.weight[0].expand(B, self.buffers_count, -1)
        x = self.z_proj_ln(torch.cat([buffers, x], dim=1) + self.encoder_pos_embed_learned)
        keep = torch.cat([mask.new_zeros(B, self.buffers_count), mask], dim=1) == 0
        x = x[keep].reshape(B, -1, x.shape[-1])
        for block in self.encoder_blocks:
            x = block(x)
        return self.encoder_norm(x), keep

    def decode(self, encoded, keep, text):
        x = self.decoder_embed(encoded)
        B, places = keep.shape
        full = self.mask_token.expand(B, places, -1).to(x.dtype).clone()
        full[keep] = x.reshape(-1, x.shape[-1])
        x = self.decoder_proj_ln(full + self.decoder_pos_embed_learned)
        for block in self.decoder_blocks:
            x = block(x, text)
        return self.decoder_norm(x)[:, self.buffers_count :] + self.diffusion_pos_embed_learned

    def align(self, states):
        x = self.text_proj_ln(self.text_proj(states) + self.text_pos_emb)
        for block in self.text_aligner:
            x = block(x)
        return x

    def encode_text(self, ids):
        x = self.token_embedding(ids) + self.positional_embedding
        for block in self.transformer.resblocks:
            x = block(x, self.causal)
        x = self.ln_final(x)
        return x[torch.arange(len(ids), device=ids.device), ids.argmax(dim=-1)] @ self.text_projection

    def contrast(self, encoded, ids, mask):
        images = F.normalize(self.image_projection(encoded.mean(dim=1)).float(), dim=-1)
        texts = F.normalize(self.encode_text(ids).float(), dim=-1)
        logits = self.logit_scale.exp() * images @ texts.t()
        kept = (1 - mask.mean(dim=1) >= self.visible_least).float()
        labels = torch.arange(len(ids), device=ids.device)
        filtered = logits.masked_fill(kept[:, None] == 0, -1e9), logits.t().masked_fill(kept[None] == 0, -1e9)
        losses = [F.cross_entropy(side, labels, reduction="none") for side in filtered]
        return ((losses[0] + losses[1]) / 2 * kept).sum() / (kept.sum() + 1e-6)

    def forward(self, latents, ids, states, mask, t, noise):
        """mask: [B, N], 1 is hidden; t: [draws B N]; noise: [draws B N, C]. Returns the generative and the contrastive loss."""
        tokens = self.patchify(latents)
        encoded, keep = self.encode(tokens, mask)
        z = self.decode(encoded, keep, self.align(states))
        repeat = lambda x: x.reshape(-1, *x.shape[2:]).repeat(self.draws, *[1] * (x.dim() - 2))
        generative = self.diffloss(repeat(tokens), repeat(z), t, noise, repeat(mask))
        return generative, self.contrast(encoded, ids, mask)
