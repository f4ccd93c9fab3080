"""The training bench's peer: the same step in plain PyTorch, forward, backward, clip, AdamW, moving average. A line of JSON in asks for a
case, a check of the losses, or a matrix rate; a line out answers. Arguments: threads, and a file that describes the cases."""
import gc
import json
import sys
import time

try:
    import torch
except ImportError:
    print(json.dumps({"missing": "torch"}), flush=True)
    sys.exit(0)

from files import read_safetensors
from model import Dream

torch.set_num_threads(int(sys.argv[1]))
with open(sys.argv[2]) as file:
    CASES = json.load(file)

DECAY, CLIP, RATE = 0.04, 3.0, 0.9999


def optimiser_of(model, device):
    """The release's groups: no decay of biases, of what has one axis, and of the head."""
    no_decay = lambda name, p: p.dim() == 1 or name.endswith(".bias") or "diffloss" in name
    named = list(model.named_parameters())
    groups = [
        {"params": [p for name, p in named if no_decay(name, p)], "weight_decay": 0.0},
        {"params": [p for name, p in named if not no_decay(name, p)], "weight_decay": DECAY},
    ]
    fastest = {"fused": True} if device == "cuda" else {"foreach": False}
    return torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), eps=1e-8, **fastest)


def captions(lengths, context, vocabulary, device):
    """Tokens between a start and an end token, zeros behind."""
    ids = torch.zeros(len(lengths), context, dtype=torch.int64)
    for row, length in zip(ids, lengths):
        row[:length] = torch.randint(1, vocabulary - 2, (length,))
        row[0], row[length - 1] = vocabulary - 2, vocabulary - 1
    return ids.to(device)


class Training:
    def __init__(self, size, device):
        self.size, self.device = size, device
        self.config = CASES["sizes"][size]
        torch.manual_seed(1)
        self.model = Dream(self.config).to(device).train()
        self.optimiser = optimiser_of(self.model, device)
        self.average = [p.detach().clone() for p in self.model.parameters()]

    def batch(self, lengths):
        c, device, B = self.config, self.device, len(lengths)
        latent, tower, told = c["latent"], c["textTower"], c["captions"]
        N, C = (latent["side"] // latent["patch"]) ** 2, latent["channels"] * latent["patch"] ** 2
        hidden, rows = -(-N * 3 // 4), c["drawsPerToken"] * B * N
        mask = torch.zeros(B, N, device=device)
        mask.scatter_(1, torch.rand(B, N, device=device).argsort(1)[:, :hidden], 1.0)
        return (
            torch.randn(B, latent["channels"], latent["side"], latent["side"], device=device),
            captions(lengths, tower["contextLength"], tower["vocabulary"], device),
            torch.randn(B, told["length"], told["width"], device=device),
            mask,
            torch.randint(0, 1000, (rows,), device=device),
            torch.randn(rows, C, device=device),
        )

    def step(self, batch, precision):
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            generative, contrastive = self.model(*batch)
            loss = self.config["lossWeights"]["generative"] * generative
            loss = loss + self.config["lossWeights"]["contrastive"] * contrastive
        value = loss.item()
        if value != value:
            raise ValueError("the loss is not a number")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.update_average()
        return generative.item(), contrastive.item()

    @torch.no_grad()
    def update_average(self):
        if self.device == "cuda":
            torch._foreach_lerp_(self.average, list(self.model.parameters()), 1 - RATE)
            return
        for average, live in zip(self.average, self.model.parameters()):
            average.mul_(RATE).add_(live, alpha=1 - RATE)


training = None


def measure(name):
    global training
    case = CASES["cases"][name]
    if training is None or (training.size, training.device) != (case["size"], case["device"]):
        training = None
        gc.collect()
        training = Training(case["size"], case["device"])
    batches = [training.batch(case["lengths"]) for _ in range(case["steps"])]
    wait = torch.cuda.synchronize if case["device"] == "cuda" else lambda: None
    wait()
    start = time.perf_counter()
    for batch in batches:
        losses = training.step(batch, case["precision"])
    wait()
    seconds = (time.perf_counter() - start) / case["steps"]
    return {"seconds": seconds, "generative": losses[0], "contrastive": losses[1]}


def check(path):
    """Both losses of given weights on given inputs, nothing dropped."""
    tensors = read_safetensors(path)
    model = Dream(CASES["sizes"]["check"]).train()
    model.load_state_dict({name[6:]: t for name, t in tensors.items() if name.startswith("model.")})
    inputs = [tensors[name] for name in ("latents", "ids", "states", "mask", "times", "noise")]
    with torch.no_grad():
        generative, contrastive = model(*inputs)
    return {"generative": generative.item(), "contrastive": contrastive.item()}


def count(size):
    return {"parameters": sum(p.numel() for p in Dream(CASES["sizes"][size]).parameters())}


REQUESTS = {"case": measure, "check": check, "count": count}

print(json.dumps({"ready": torch.__version__}), flush=True)
for line in sys.stdin:
    ((request, value),) = json.loads(line).items()
    print(json.dumps(REQUESTS[request](value)), flush=True)
