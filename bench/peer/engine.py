"""The engine bench's peer: Python's PyTorch, doing the same work. A line of JSON in asks for a round; a line out gives its seconds."""
import json
import sys
import time

try:
    import torch
except ImportError:
    print(json.dumps({"missing": "torch"}), flush=True)
    sys.exit(0)

torch.set_num_threads(int(sys.argv[1]))


def operator_overhead():
    """20,000 additions of 4 elements; seconds for one."""
    a = torch.tensor([1.0, 2.0, 3.0, 4.0])
    b = torch.tensor([5.0, 6.0, 7.0, 8.0])
    start = time.perf_counter()
    for _ in range(20_000):
        a.add(b)
    return (time.perf_counter() - start) / 20_000


operands = {}


def matmul(dtype):
    """20 products of 2048 x 256 x 1024; seconds for one."""
    if dtype not in operands:
        operands[dtype] = (torch.randn(2048, 256).to(dtype), torch.randn(256, 1024).to(dtype))
    a, b = operands[dtype]
    start = time.perf_counter()
    for _ in range(20):
        a.matmul(b)
    return (time.perf_counter() - start) / 20


cases = {
    "operator-overhead": operator_overhead,
    "matmul-f32": lambda: matmul(torch.float32),
    "matmul-bf16": lambda: matmul(torch.bfloat16),
}

print(json.dumps({"ready": torch.__version__}), flush=True)
with torch.inference_mode():
    for line in sys.stdin:
        print(json.dumps({"seconds": cases[json.loads(line)["case"]]()}), flush=True)
