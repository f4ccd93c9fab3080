"""The data bench's peer: Pillow in a pool of processes, and tarfile. A line of JSON in asks for a round; a line out gives its seconds.

The pool writes its crops into memory that all processes share, so that no pixel is pickled.
"""
import io
import json
import multiprocessing
import os
import sys
import tarfile
import time

try:
    from PIL import Image
except ImportError:
    print(json.dumps({"missing": "PIL"}), flush=True)
    sys.exit(0)

processes, pictures, members = int(sys.argv[1]), sys.argv[2], sys.argv[3]
batch, side = 64, 256
crop_bytes = side * side * 3


def centre_crop(image):
    """ADM's crop: halve with a box filter, resize with a bicubic one, cut out the middle."""
    while min(image.size) >= 2 * side:
        image = image.resize((image.width // 2, image.height // 2), resample=Image.BOX)
    scale = side / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), resample=Image.BICUBIC)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


with tarfile.open(pictures) as archive:
    places = [(member.offset_data, member.size) for member in archive if member.name.endswith(".jpg")]
shared = multiprocessing.RawArray("B", batch * crop_bytes)
descriptor = os.open(pictures, os.O_RDONLY)


def load(number):
    offset, size = places[number]
    image = Image.open(io.BytesIO(os.pread(descriptor, size, offset))).convert("RGB")
    begin = number * crop_bytes
    memoryview(shared).cast("B")[begin : begin + crop_bytes] = centre_crop(image).tobytes()


def load_images():
    start = time.perf_counter()
    pool.map(load, range(batch), chunksize=max(1, batch // (8 * processes)))
    return time.perf_counter() - start


def index_shard():
    start = time.perf_counter()
    with tarfile.open(members, "r:") as archive:
        found = len(archive.getmembers())
    assert found == 4000
    return time.perf_counter() - start


cases = {"load-images": load_images, "index-shard": index_shard}

with multiprocessing.get_context("fork").Pool(processes) as pool:
    print(json.dumps({"ready": Image.__version__}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"seconds": cases[json.loads(line)["case"]]()}), flush=True)
