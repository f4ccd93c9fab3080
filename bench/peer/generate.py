"""The drawing bench's peer: the release's way of drawing in plain PyTorch. Both guidance branches go through the whole model, candidates one
after another, every step by itself. A line of JSON in asks for a case or a check of the latents; a line out answers. Arguments: threads, and
a file that describes the cases."""
import gc
import json
import math
import sys
import time

try:
    import torch
except ImportError:
    print(json.dumps({"missing": "torch"}), flush=True)
    sys.exit(0)

import torch.nn.functional as F

from files import read_safetensors
from model import Dream

torch.set_num_threads(int(sys.argv[1]))
with open(sys.argv[2]) as file:
    CASES = json.load(file)


def kept_steps(count, total=1000):
    """ADM's even spacing; Python rounds halves to even, as it does."""
    stride = (total - 1) / (count - 1) if count > 1 else 1
    kept, at = [], 0.0
    for _ in range(count):
        kept.append(round(at))
        at += stride
    return kept


class Sampler:
    """Reverse steps of the respaced process, noise predicted, variance learned (ADM, as MAR calls it)."""

    def __init__(self, count, device):
        bar = lambda t: math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2
        beta = [min(1 - bar((i + 1) / 1000) / bar(i / 1000), 0.999) for i in range(1000)]
        product = torch.cumprod(1 - torch.tensor(beta, dtype=torch.float64), 0)
        self.told = kept_steps(count)
        alpha = product[self.told]
        before = torch.cat([torch.ones(1, dtype=torch.float64), alpha[:-1]])
        beta = 1 - alpha / before
        variance = beta * (1 - before) / (1 - alpha)
        tables = {
            "from_state": (1 / alpha).sqrt(),
            "from_noise": (1 / alpha - 1).sqrt(),
            "mean_start": beta * before.sqrt() / (1 - alpha),
            "mean_state": (1 - before) * (1 - beta).sqrt() / (1 - alpha),
            "log_least": torch.cat([variance[1:2], variance[1:]]).log(),
            "log_beta": beta.log(),
        }
        self.tables = {name: table.float().to(device) for name, table in tables.items()}

    def __call__(self, net, z, initial, noises, scale, temperature=1.0):
        """z: [2P, D], captions' rows first; initial: [P, C]; noises: [S, P, C]."""
        x = torch.cat([initial, initial])
        for i in reversed(range(len(self.told))):
            t = torch.full((len(x),), self.told[i], device=x.device)
            half = x[: len(x) // 2]
            output = net(torch.cat([half, half]), t, z).float()
            noise, share = output.chunk(2, dim=1)
            told, untold = noise.chunk(2)
            guided = untold + scale * (told - untold)
            noise = torch.cat([guided, guided])
            index = torch.full((len(x),), i, device=x.device)
            at = lambda name: self.tables[name][index][:, None]
            share = (share + 1) / 2
            log_variance = share * at("log_beta") + (1 - share) * at("log_least")
            start = at("from_state") * x - at("from_noise") * noise
            mean = at("mean_start") * start + at("mean_state") * x
            drawn = torch.cat([noises[len(self.told) - 1 - i]] * 2)
            x = mean + (i > 0) * (0.5 * log_variance).exp() * drawn * temperature
        return x[: len(x) // 2]


class Drawing:
    def __init__(self, size, case):
        self.case, self.size = case, size
        self.config = CASES["sizes"][size]
        self.device = case["device"]
        torch.manual_seed(1)
        self.model = Dream(self.config).to(self.device).eval()
        for name, p in self.model.named_parameters():
            if "adaLN_modulation" in name or "final_layer" in name:
                torch.nn.init.normal_(p, std=0.02)
        self.sampler = Sampler(CASES["diffusionSteps"], self.device)

    def inputs(self, batch, candidates):
        c, device = self.config, self.device
        latent, tower, told = c["latent"], c["textTower"], c["captions"]
        N, C = (latent["side"] // latent["patch"]) ** 2, latent["channels"] * latent["patch"] ** 2
        ids = torch.zeros(batch, tower["contextLength"], dtype=torch.int64, device=device)
        ids[:, :20] = torch.randint(1, tower["vocabulary"] - 2, (batch, 20), device=device)
        ids[:, 0], ids[:, 19] = tower["vocabulary"] - 2, tower["vocabulary"] - 1
        return {
            "ids": ids,
            "states": torch.randn(batch, told["length"], told["width"], device=device),
            "empty": torch.randn(1, told["length"], told["width"], device=device),
            "orders": torch.rand(batch, N, device=device).argsort(1),
            "noise": torch.randn(candidates, CASES["diffusionSteps"] + 1, batch, N, C, device=device),
        }

    def step(self, tokens, mask, text, orders, noise, index):
        B, N, C = tokens.shape
        S = CASES["steps"]
        left = int(mask[0].sum())
        length = max(1, min(left - 1, math.floor(N * math.cos(math.pi / 2 * (index + 1) / S))))
        after = torch.zeros_like(mask).scatter_(1, orders[:, :length], 1.0)
        drawn = mask.bool() if index == S - 1 else torch.logical_xor(mask.bool(), after.bool())
        encoded, keep = self.model.encode(torch.cat([tokens, tokens]), torch.cat([mask, mask]))
        z = self.model.decode(encoded, keep, text)[torch.cat([drawn, drawn])]
        count = left if index == S - 1 else left - length
        draws = noise[:, :, N - left : N - left + count].reshape(len(noise), B * count, C)
        scale = 1 + (CASES["guidance"] - 1) * (N - length) / N
        tokens = tokens.clone()
        tokens[drawn] = self.sampler(self.model.diffloss.net, z, draws[0], draws[1:], scale)
        return tokens, after

    def score(self, tokens, mask, ids):
        encoded, _ = self.model.encode(tokens, mask)
        images = F.normalize(self.model.image_projection(encoded.mean(dim=1)).float(), dim=-1)
        return (images * F.normalize(self.model.encode_text(ids).float(), dim=-1)).sum(dim=-1)

    @torch.inference_mode()
    def draw(self, ids, states, empty, orders, noise, candidates, at_step):
        """noise: [K, S + 1, B, N, C], taken along N as tokens are drawn. Returns tokens, and the scores [K, B] where there is a choice."""
        (B, N), C = orders.shape, noise.shape[-1]
        text = self.model.align(torch.cat([states, empty.expand(B, -1, -1)]))
        blank = torch.zeros(B, N, C, device=noise.device), torch.ones(B, N, device=noise.device)
        scores, best = None, torch.zeros(B, dtype=torch.int64, device=noise.device)
        canvas, begun = blank, 0
        if candidates > 1:
            open_ = []
            for k in range(candidates):
                canvas = blank
                for index in range(at_step):
                    canvas = self.step(*canvas, text, orders, noise[k], index)
                open_.append(canvas)
            scores = torch.stack([self.score(*canvas, ids) for canvas in open_])
            best = scores.argmax(dim=0)
            rows = torch.arange(B, device=best.device)
            canvas = tuple(torch.stack(parts)[best, rows] for parts in zip(*open_))
            begun = at_step
        rest = noise.transpose(1, 2)[best, torch.arange(B, device=best.device)].transpose(0, 1)
        for index in range(begun, CASES["steps"]):
            canvas = self.step(*canvas, text, orders, rest, index)
        return canvas[0], scores


drawing = None


def measure(name):
    global drawing
    case = CASES["cases"][name]
    if drawing is None or drawing.size != case["size"] or drawing.device != case["device"]:
        drawing = None
        gc.collect()
        drawing = Drawing(case["size"], case)
    inputs = drawing.inputs(case["batch"], case["candidates"])
    wait = torch.cuda.synchronize if case["device"] == "cuda" else lambda: None
    wait()
    start = time.perf_counter()
    with torch.autocast(case["device"], dtype=torch.bfloat16, enabled=case["precision"] == "bfloat16"):
        drawing.draw(**inputs, candidates=case["candidates"], at_step=case["atStep"])
    wait()
    return {"seconds": time.perf_counter() - start}


def check(request):
    """Tokens and scores of given weights from given draws."""
    tensors = read_safetensors(request["path"])
    one = Drawing("check", {"device": "cpu"})
    one.model.load_state_dict({name[6:]: t for name, t in tensors.items() if name.startswith("model.")})
    inputs = {name: tensors[name] for name in ("ids", "states", "empty", "orders", "noise")}
    tokens, scores = one.draw(**inputs, candidates=request["candidates"], at_step=request["atStep"])
    return {"tokens": tokens.flatten().tolist(), "scores": [] if scores is None else scores.tolist()}


REQUESTS = {"case": measure, "check": check}

print(json.dumps({"ready": torch.__version__}), flush=True)
for line in sys.stdin:
    ((request, value),) = json.loads(line).items()
    print(json.dumps(REQUESTS[request](value)), flush=True)
