/**
 * @file Typed operators, generated from libtorch's schemas by `npm run operators`; do not edit. Each one's comment is
 * its schema. Methods are added to Tensor; what makes a tensor from nothing, or takes several, is a function.
 */
import { type DType, dtypeCode } from "./dtype.js";
import type { Generator } from "./random.js";
import { type Device, findOperator, invoke, invokeTensor, invokeTensors, slotsOf, Tensor } from "./tensor.js";

declare module "./tensor.js" {
  interface Tensor {
    /** `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` */
    add(other: Tensor | number, options?: { alpha?: number }): Tensor;
    /** `aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` */
    add_(other: Tensor | number, options?: { alpha?: number }): Tensor;
    /** `aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` */
    sub(other: Tensor | number, options?: { alpha?: number }): Tensor;
    /** `aten::sub_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` */
    sub_(other: Tensor | number, options?: { alpha?: number }): Tensor;
    /** `aten::mul.Tensor(Tensor self, Tensor other) -> Tensor` */
    mul(other: Tensor | number): Tensor;
    /** `aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` */
    mul_(other: Tensor | number): Tensor;
    /** `aten::div.Tensor(Tensor self, Tensor other) -> Tensor` */
    div(other: Tensor | number): Tensor;
    /** `aten::div_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` */
    div_(other: Tensor | number): Tensor;
    /** `aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor` */
    pow(exponent: number): Tensor;
    /** `aten::neg(Tensor self) -> Tensor` */
    neg(): Tensor;
    /** `aten::exp(Tensor self) -> Tensor` */
    exp(): Tensor;
    /** `aten::log(Tensor self) -> Tensor` */
    log(): Tensor;
    /** `aten::log1p(Tensor self) -> Tensor` */
    log1p(): Tensor;
    /** `aten::sqrt(Tensor self) -> Tensor` */
    sqrt(): Tensor;
    /** `aten::rsqrt(Tensor self) -> Tensor` */
    rsqrt(): Tensor;
    /** `aten::reciprocal(Tensor self) -> Tensor` */
    reciprocal(): Tensor;
    /** `aten::abs(Tensor self) -> Tensor` */
    abs(): Tensor;
    /** `aten::sin(Tensor self) -> Tensor` */
    sin(): Tensor;
    /** `aten::cos(Tensor self) -> Tensor` */
    cos(): Tensor;
    /** `aten::tanh(Tensor self) -> Tensor` */
    tanh(): Tensor;
    /** `aten::sigmoid(Tensor self) -> Tensor` */
    sigmoid(): Tensor;
    /** `aten::relu(Tensor self) -> Tensor` */
    relu(): Tensor;
    /** `aten::silu(Tensor self) -> Tensor` */
    silu(): Tensor;
    /** `aten::floor(Tensor self) -> Tensor` */
    floor(): Tensor;
    /** `aten::ceil(Tensor self) -> Tensor` */
    ceil(): Tensor;
    /** `aten::round(Tensor self) -> Tensor` */
    round(): Tensor;
    /** `aten::square(Tensor self) -> Tensor` */
    square(): Tensor;
    /** `aten::isfinite(Tensor self) -> Tensor` */
    isfinite(): Tensor;
    /** `aten::logical_not(Tensor self) -> Tensor` */
    logicalNot(): Tensor;
    /** `aten::logical_and(Tensor self, Tensor other) -> Tensor` */
    logicalAnd(other: Tensor): Tensor;
    /** `aten::logical_or(Tensor self, Tensor other) -> Tensor` */
    logicalOr(other: Tensor): Tensor;
    /** `aten::logical_xor(Tensor self, Tensor other) -> Tensor` */
    logicalXor(other: Tensor): Tensor;
    /** `aten::eq.Tensor(Tensor self, Tensor other) -> Tensor` */
    eq(other: Tensor | number): Tensor;
    /** `aten::ne.Tensor(Tensor self, Tensor other) -> Tensor` */
    ne(other: Tensor | number): Tensor;
    /** `aten::lt.Tensor(Tensor self, Tensor other) -> Tensor` */
    lt(other: Tensor | number): Tensor;
    /** `aten::le.Tensor(Tensor self, Tensor other) -> Tensor` */
    le(other: Tensor | number): Tensor;
    /** `aten::gt.Tensor(Tensor self, Tensor other) -> Tensor` */
    gt(other: Tensor | number): Tensor;
    /** `aten::ge.Tensor(Tensor self, Tensor other) -> Tensor` */
    ge(other: Tensor | number): Tensor;
    /** `aten::maximum(Tensor self, Tensor other) -> Tensor` */
    maximum(other: Tensor): Tensor;
    /** `aten::minimum(Tensor self, Tensor other) -> Tensor` */
    minimum(other: Tensor): Tensor;
    /** `aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor` */
    clamp(min?: number | null, max?: number | null): Tensor;
    /** `aten::clamp_(Tensor(a!) self, Scalar? min=None, Scalar? max=None) -> Tensor(a!)` */
    clamp_(min?: number | null, max?: number | null): Tensor;
    /** `aten::lerp_.Scalar(Tensor(a!) self, Tensor end, Scalar weight) -> Tensor(a!)` */
    lerp_(end: Tensor, weight: number): Tensor;
    /** `aten::matmul(Tensor self, Tensor other) -> Tensor` */
    matmul(other: Tensor): Tensor;
    /** `aten::bmm(Tensor self, Tensor mat2) -> Tensor` */
    bmm(mat2: Tensor): Tensor;
    /** `aten::mm(Tensor self, Tensor mat2) -> Tensor` */
    mm(mat2: Tensor): Tensor;
    /** `aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor` */
    addmm(mat1: Tensor, mat2: Tensor, options?: { beta?: number; alpha?: number }): Tensor;
    /** `aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
    sum(dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): Tensor;
    /** `aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
    mean(dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): Tensor;
    /** `aten::var.correction(Tensor self, int[1]? dim, *, int? correction, bool keepdim=False) -> Tensor` */
    variance(dim?: number | readonly number[] | null, options?: { correction?: number | null; keepdim?: boolean }): Tensor;
    /** `aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
    amax(dim?: number | readonly number[], keepdim?: boolean): Tensor;
    /** `aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
    amin(dim?: number | readonly number[], keepdim?: boolean): Tensor;
    /** `aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor` */
    argmax(dim?: number | null, keepdim?: boolean): Tensor;
    /** `aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor` */
    argmin(dim?: number | null, keepdim?: boolean): Tensor;
    /** `aten::argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor` */
    argsort(dim?: number, descending?: boolean): Tensor;
    /** `aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor` */
    cumsum(dim: number, options?: { dtype?: DType | null }): Tensor;
    /** `aten::topk(Tensor self, int k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)` */
    topk(k: number, dim?: number, largest?: boolean, sorted?: boolean): [Tensor, Tensor];
    /** `aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)` */
    sort(dim?: number, descending?: boolean): [Tensor, Tensor];
    /** `aten::all(Tensor self) -> Tensor` */
    all(): Tensor;
    /** `aten::any(Tensor self) -> Tensor` */
    any(): Tensor;
    /** `aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor` */
    norm(p: number | null, dim: number | readonly number[], keepdim?: boolean): Tensor;
    /** `aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
    softmax(dim: number, dtype?: DType | null): Tensor;
    /** `aten::log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
    logSoftmax(dim: number, dtype?: DType | null): Tensor;
    /** `aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor` */
    logsumexp(dim: number | readonly number[], keepdim?: boolean): Tensor;
    /** `aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)` */
    reshape(shape: number | readonly number[]): Tensor;
    /** `aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)` */
    view(size: number | readonly number[]): Tensor;
    /** `aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)` */
    permute(dims: number | readonly number[]): Tensor;
    /** `aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)` */
    transpose(dim0: number, dim1: number): Tensor;
    /** `aten::t(Tensor(a) self) -> Tensor(a)` */
    t(): Tensor;
    /** `aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)` */
    unsqueeze(dim: number): Tensor;
    /** `aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)` */
    squeeze(dim: number): Tensor;
    /** `aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)` */
    expand(size: number | readonly number[], options?: { implicit?: boolean }): Tensor;
    /** `aten::repeat(Tensor self, SymInt[] repeats) -> Tensor` */
    repeat(repeats: number | readonly number[]): Tensor;
    /** `aten::repeat_interleave.self_int(Tensor self, int repeats, int? dim=None, *, int? output_size=None) -> Tensor` */
    repeatInterleave(repeats: number, dim?: number | null, options?: { outputSize?: number | null }): Tensor;
    /** `aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)` */
    flatten(startDim?: number, endDim?: number): Tensor;
    /** `aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]` */
    unbind(dim?: number): Tensor[];
    /** `aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]` */
    chunk(chunks: number, dim?: number): Tensor[];
    /** `aten::split.Tensor(Tensor(a -> *) self, int split_size, int dim=0) -> Tensor(a)[]` */
    split(splitSize: number, dim?: number): Tensor[];
    /** `aten::narrow(Tensor(a) self, int dim, int start, int length) -> Tensor(a)` */
    narrow(dim: number, start: number, length: number): Tensor;
    /** `aten::select.int(Tensor(a) self, int dim, int index) -> Tensor(a)` */
    select(dim: number, index: number): Tensor;
    /** `aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)` */
    slice(dim?: number, start?: number | null, end?: number | null, step?: number): Tensor;
    /** `aten::index_select(Tensor self, int dim, Tensor index) -> Tensor` */
    indexSelect(dim: number, index: Tensor): Tensor;
    /** `aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor` */
    index(indices: readonly (Tensor | null)[]): Tensor;
    /** `aten::index_put_(Tensor(a!) self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor(a!)` */
    indexPut_(indices: readonly (Tensor | null)[], values: Tensor, accumulate?: boolean): Tensor;
    /** `aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor` */
    gather(dim: number, index: Tensor, options?: { sparseGrad?: boolean }): Tensor;
    /** `aten::scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor` */
    scatter(dim: number, index: Tensor, src: Tensor): Tensor;
    /** `aten::scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor` */
    scatterValue(dim: number, index: Tensor, value: number): Tensor;
    /** `aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor` */
    maskedFill(mask: Tensor, value: number): Tensor;
    /** `aten::masked_fill_.Scalar(Tensor(a!) self, Tensor mask, Scalar value) -> Tensor(a!)` */
    maskedFill_(mask: Tensor, value: number): Tensor;
    /** `aten::masked_select(Tensor self, Tensor mask) -> Tensor` */
    maskedSelect(mask: Tensor): Tensor;
    /** `aten::nonzero(Tensor self) -> Tensor` */
    nonzero(): Tensor;
    /** `aten::flip(Tensor self, int[] dims) -> Tensor` */
    flip(dims: number | readonly number[]): Tensor;
    /** `aten::roll(Tensor self, int[1] shifts, int[1] dims=[]) -> Tensor` */
    roll(shifts: number | readonly number[], dims?: number | readonly number[]): Tensor;
    /** `aten::tril(Tensor self, int diagonal=0) -> Tensor` */
    tril(diagonal?: number): Tensor;
    /** `aten::triu(Tensor self, int diagonal=0) -> Tensor` */
    triu(diagonal?: number): Tensor;
    /** `aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)` */
    diagonal(offset?: number, dim1?: number, dim2?: number): Tensor;
    /** `aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)` */
    contiguous(): Tensor;
    /** `aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor` */
    clone(): Tensor;
    /** `aten::detach(Tensor(a) self) -> Tensor(a)` */
    detach(): Tensor;
    /** `aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)` */
    copy_(src: Tensor): Tensor;
    /** `aten::zero_(Tensor(a!) self) -> Tensor(a!)` */
    zero_(): Tensor;
    /** `aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)` */
    fill_(value: number): Tensor;
    /** `aten::normal_(Tensor(a!) self, float mean=0., float std=1., *, Generator? generator=None) -> Tensor(a!)` */
    normal_(mean?: number, std?: number, options?: { generator?: Generator | null }): Tensor;
    /** `aten::uniform_(Tensor(a!) self, float from=0., float to=1., *, Generator? generator=None) -> Tensor(a!)` */
    uniform_(from?: number, to?: number, options?: { generator?: Generator | null }): Tensor;
    /** `aten::addcmul_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)` */
    addcmul_(tensor1: Tensor, tensor2: Tensor, options?: { value?: number }): Tensor;
    /** `aten::addcdiv_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)` */
    addcdiv_(tensor1: Tensor, tensor2: Tensor, options?: { value?: number }): Tensor;
    /** `aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor` */
    to(options?: { dtype?: DType | null; device?: Device | null }): Tensor;
    /** `aten::outer(Tensor self, Tensor vec2) -> Tensor` */
    outer(vec2: Tensor): Tensor;
    /** `aten::dot(Tensor self, Tensor tensor) -> Tensor` */
    dot(tensor: Tensor): Tensor;
    /** `aten::special_ndtri(Tensor self) -> Tensor` */
    specialNdtri(): Tensor;
    /** `aten::special_ndtr(Tensor self) -> Tensor` */
    specialNdtr(): Tensor;
    /** `aten::erf(Tensor self) -> Tensor` */
    erf(): Tensor;
    /** `aten::unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)` */
    unfold(dimension: number, size: number, step: number): Tensor;
    /** `aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
    linalgNorm(ord?: number, dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): Tensor;
  }
}

const op__foreach_add__List = findOperator("aten::_foreach_add_", "List");
const op__foreach_mul__Scalar = findOperator("aten::_foreach_mul_", "Scalar");
const op__to_copy = findOperator("aten::_to_copy", "");
const op_abs = findOperator("aten::abs", "");
const op_add_Scalar = findOperator("aten::add", "Scalar");
const op_add_Tensor = findOperator("aten::add", "Tensor");
const op_add__Scalar = findOperator("aten::add_", "Scalar");
const op_add__Tensor = findOperator("aten::add_", "Tensor");
const op_addcdiv_ = findOperator("aten::addcdiv_", "");
const op_addcmul_ = findOperator("aten::addcmul_", "");
const op_addmm = findOperator("aten::addmm", "");
const op_all = findOperator("aten::all", "");
const op_amax = findOperator("aten::amax", "");
const op_amin = findOperator("aten::amin", "");
const op_any = findOperator("aten::any", "");
const op_arange_start_step = findOperator("aten::arange", "start_step");
const op_argmax = findOperator("aten::argmax", "");
const op_argmin = findOperator("aten::argmin", "");
const op_argsort = findOperator("aten::argsort", "");
const op_avg_pool2d = findOperator("aten::avg_pool2d", "");
const op_baddbmm = findOperator("aten::baddbmm", "");
const op_batch_norm = findOperator("aten::batch_norm", "");
const op_bmm = findOperator("aten::bmm", "");
const op_cat = findOperator("aten::cat", "");
const op_ceil = findOperator("aten::ceil", "");
const op_chunk = findOperator("aten::chunk", "");
const op_clamp = findOperator("aten::clamp", "");
const op_clamp_ = findOperator("aten::clamp_", "");
const op_clone = findOperator("aten::clone", "");
const op_constant_pad_nd = findOperator("aten::constant_pad_nd", "");
const op_contiguous = findOperator("aten::contiguous", "");
const op_conv2d = findOperator("aten::conv2d", "");
const op_copy_ = findOperator("aten::copy_", "");
const op_cos = findOperator("aten::cos", "");
const op_cosine_similarity = findOperator("aten::cosine_similarity", "");
const op_cross_entropy_loss = findOperator("aten::cross_entropy_loss", "");
const op_cumsum = findOperator("aten::cumsum", "");
const op_detach = findOperator("aten::detach", "");
const op_diagonal = findOperator("aten::diagonal", "");
const op_div_Scalar = findOperator("aten::div", "Scalar");
const op_div_Tensor = findOperator("aten::div", "Tensor");
const op_div__Scalar = findOperator("aten::div_", "Scalar");
const op_div__Tensor = findOperator("aten::div_", "Tensor");
const op_dot = findOperator("aten::dot", "");
const op_dropout = findOperator("aten::dropout", "");
const op_einsum = findOperator("aten::einsum", "");
const op_embedding = findOperator("aten::embedding", "");
const op_empty_like = findOperator("aten::empty_like", "");
const op_empty_memory_format = findOperator("aten::empty", "memory_format");
const op_eq_Scalar = findOperator("aten::eq", "Scalar");
const op_eq_Tensor = findOperator("aten::eq", "Tensor");
const op_erf = findOperator("aten::erf", "");
const op_exp = findOperator("aten::exp", "");
const op_expand = findOperator("aten::expand", "");
const op_eye = findOperator("aten::eye", "");
const op_fill__Scalar = findOperator("aten::fill_", "Scalar");
const op_flatten_using_ints = findOperator("aten::flatten", "using_ints");
const op_flip = findOperator("aten::flip", "");
const op_floor = findOperator("aten::floor", "");
const op_full = findOperator("aten::full", "");
const op_full_like = findOperator("aten::full_like", "");
const op_gather = findOperator("aten::gather", "");
const op_ge_Scalar = findOperator("aten::ge", "Scalar");
const op_ge_Tensor = findOperator("aten::ge", "Tensor");
const op_gelu = findOperator("aten::gelu", "");
const op_group_norm = findOperator("aten::group_norm", "");
const op_gt_Scalar = findOperator("aten::gt", "Scalar");
const op_gt_Tensor = findOperator("aten::gt", "Tensor");
const op_index_Tensor = findOperator("aten::index", "Tensor");
const op_index_put_ = findOperator("aten::index_put_", "");
const op_index_select = findOperator("aten::index_select", "");
const op_isfinite = findOperator("aten::isfinite", "");
const op_layer_norm = findOperator("aten::layer_norm", "");
const op_le_Scalar = findOperator("aten::le", "Scalar");
const op_le_Tensor = findOperator("aten::le", "Tensor");
const op_lerp__Scalar = findOperator("aten::lerp_", "Scalar");
const op_linalg_eigh = findOperator("aten::linalg_eigh", "");
const op_linalg_qr = findOperator("aten::linalg_qr", "");
const op_linalg_vector_norm = findOperator("aten::linalg_vector_norm", "");
const op_linear = findOperator("aten::linear", "");
const op_linspace = findOperator("aten::linspace", "");
const op_log = findOperator("aten::log", "");
const op_log1p = findOperator("aten::log1p", "");
const op_log_softmax_int = findOperator("aten::log_softmax", "int");
const op_logical_and = findOperator("aten::logical_and", "");
const op_logical_not = findOperator("aten::logical_not", "");
const op_logical_or = findOperator("aten::logical_or", "");
const op_logical_xor = findOperator("aten::logical_xor", "");
const op_logsumexp = findOperator("aten::logsumexp", "");
const op_lt_Scalar = findOperator("aten::lt", "Scalar");
const op_lt_Tensor = findOperator("aten::lt", "Tensor");
const op_masked_fill_Scalar = findOperator("aten::masked_fill", "Scalar");
const op_masked_fill__Scalar = findOperator("aten::masked_fill_", "Scalar");
const op_masked_select = findOperator("aten::masked_select", "");
const op_matmul = findOperator("aten::matmul", "");
const op_max_pool2d = findOperator("aten::max_pool2d", "");
const op_maximum = findOperator("aten::maximum", "");
const op_mean_dim = findOperator("aten::mean", "dim");
const op_minimum = findOperator("aten::minimum", "");
const op_mm = findOperator("aten::mm", "");
const op_mse_loss = findOperator("aten::mse_loss", "");
const op_mul_Scalar = findOperator("aten::mul", "Scalar");
const op_mul_Tensor = findOperator("aten::mul", "Tensor");
const op_mul__Scalar = findOperator("aten::mul_", "Scalar");
const op_mul__Tensor = findOperator("aten::mul_", "Tensor");
const op_narrow = findOperator("aten::narrow", "");
const op_ne_Scalar = findOperator("aten::ne", "Scalar");
const op_ne_Tensor = findOperator("aten::ne", "Tensor");
const op_neg = findOperator("aten::neg", "");
const op_nonzero = findOperator("aten::nonzero", "");
const op_norm_ScalarOpt_dim = findOperator("aten::norm", "ScalarOpt_dim");
const op_normal_ = findOperator("aten::normal_", "");
const op_one_hot = findOperator("aten::one_hot", "");
const op_ones = findOperator("aten::ones", "");
const op_ones_like = findOperator("aten::ones_like", "");
const op_outer = findOperator("aten::outer", "");
const op_permute = findOperator("aten::permute", "");
const op_pow_Tensor_Scalar = findOperator("aten::pow", "Tensor_Scalar");
const op_rand_generator = findOperator("aten::rand", "generator");
const op_randint_low_generator = findOperator("aten::randint", "low_generator");
const op_randn_generator = findOperator("aten::randn", "generator");
const op_randperm_generator = findOperator("aten::randperm", "generator");
const op_reciprocal = findOperator("aten::reciprocal", "");
const op_relu = findOperator("aten::relu", "");
const op_repeat = findOperator("aten::repeat", "");
const op_repeat_interleave_self_int = findOperator("aten::repeat_interleave", "self_int");
const op_reshape = findOperator("aten::reshape", "");
const op_roll = findOperator("aten::roll", "");
const op_round = findOperator("aten::round", "");
const op_rsqrt = findOperator("aten::rsqrt", "");
const op_scaled_dot_product_attention = findOperator("aten::scaled_dot_product_attention", "");
const op_scatter_src = findOperator("aten::scatter", "src");
const op_scatter_value = findOperator("aten::scatter", "value");
const op_select_int = findOperator("aten::select", "int");
const op_sigmoid = findOperator("aten::sigmoid", "");
const op_silu = findOperator("aten::silu", "");
const op_sin = findOperator("aten::sin", "");
const op_slice_Tensor = findOperator("aten::slice", "Tensor");
const op_softmax_int = findOperator("aten::softmax", "int");
const op_sort = findOperator("aten::sort", "");
const op_special_ndtr = findOperator("aten::special_ndtr", "");
const op_special_ndtri = findOperator("aten::special_ndtri", "");
const op_split_Tensor = findOperator("aten::split", "Tensor");
const op_sqrt = findOperator("aten::sqrt", "");
const op_square = findOperator("aten::square", "");
const op_squeeze_dim = findOperator("aten::squeeze", "dim");
const op_stack = findOperator("aten::stack", "");
const op_sub_Scalar = findOperator("aten::sub", "Scalar");
const op_sub_Tensor = findOperator("aten::sub", "Tensor");
const op_sub__Scalar = findOperator("aten::sub_", "Scalar");
const op_sub__Tensor = findOperator("aten::sub_", "Tensor");
const op_sum_dim_IntList = findOperator("aten::sum", "dim_IntList");
const op_t = findOperator("aten::t", "");
const op_tanh = findOperator("aten::tanh", "");
const op_topk = findOperator("aten::topk", "");
const op_transpose_int = findOperator("aten::transpose", "int");
const op_tril = findOperator("aten::tril", "");
const op_triu = findOperator("aten::triu", "");
const op_unbind_int = findOperator("aten::unbind", "int");
const op_unfold = findOperator("aten::unfold", "");
const op_uniform_ = findOperator("aten::uniform_", "");
const op_unsqueeze = findOperator("aten::unsqueeze", "");
const op_upsample_bicubic2d = findOperator("aten::upsample_bicubic2d", "");
const op_upsample_bilinear2d = findOperator("aten::upsample_bilinear2d", "");
const op_upsample_nearest2d = findOperator("aten::upsample_nearest2d", "");
const op_var_correction = findOperator("aten::var", "correction");
const op_view = findOperator("aten::view", "");
const op_where_self = findOperator("aten::where", "self");
const op_zero_ = findOperator("aten::zero_", "");
const op_zeros = findOperator("aten::zeros", "");
const op_zeros_like = findOperator("aten::zeros_like", "");

function dtypeOrNothing(dtype: DType | null | undefined): number | null | undefined {
  return typeof dtype === "string" ? dtypeCode(dtype) : dtype;
}

Tensor.prototype.add = function (other: Tensor | number, options?: { alpha?: number }): Tensor {
  if (typeof other === "number") return invokeTensor(op_add_Scalar, this.slot, other, options?.alpha);
  return invokeTensor(op_add_Tensor, this.slot, other.slot, options?.alpha);
};

Tensor.prototype.add_ = function (other: Tensor | number, options?: { alpha?: number }): Tensor {
  if (typeof other === "number") return invokeTensor(op_add__Scalar, this.slot, other, options?.alpha);
  return invokeTensor(op_add__Tensor, this.slot, other.slot, options?.alpha);
};

Tensor.prototype.sub = function (other: Tensor | number, options?: { alpha?: number }): Tensor {
  if (typeof other === "number") return invokeTensor(op_sub_Scalar, this.slot, other, options?.alpha);
  return invokeTensor(op_sub_Tensor, this.slot, other.slot, options?.alpha);
};

Tensor.prototype.sub_ = function (other: Tensor | number, options?: { alpha?: number }): Tensor {
  if (typeof other === "number") return invokeTensor(op_sub__Scalar, this.slot, other, options?.alpha);
  return invokeTensor(op_sub__Tensor, this.slot, other.slot, options?.alpha);
};

Tensor.prototype.mul = function (other: Tensor | number): Tensor {
  if (typeof other === "number") return invokeTensor(op_mul_Scalar, this.slot, other);
  return invokeTensor(op_mul_Tensor, this.slot, other.slot);
};

Tensor.prototype.mul_ = function (other: Tensor | number): Tensor {
  if (typeof other === "number") return invokeTensor(op_mul__Scalar, this.slot, other);
  return invokeTensor(op_mul__Tensor, this.slot, other.slot);
};

Tensor.prototype.div = function (other: Tensor | number): Tensor {
  if (typeof other === "number") return invokeTensor(op_div_Scalar, this.slot, other);
  return invokeTensor(op_div_Tensor, this.slot, other.slot);
};

Tensor.prototype.div_ = function (other: Tensor | number): Tensor {
  if (typeof other === "number") return invokeTensor(op_div__Scalar, this.slot, other);
  return invokeTensor(op_div__Tensor, this.slot, other.slot);
};

Tensor.prototype.pow = function (exponent: number): Tensor {
  return invokeTensor(op_pow_Tensor_Scalar, this.slot, exponent);
};

Tensor.prototype.neg = function (): Tensor {
  return invokeTensor(op_neg, this.slot);
};

Tensor.prototype.exp = function (): Tensor {
  return invokeTensor(op_exp, this.slot);
};

Tensor.prototype.log = function (): Tensor {
  return invokeTensor(op_log, this.slot);
};

Tensor.prototype.log1p = function (): Tensor {
  return invokeTensor(op_log1p, this.slot);
};

Tensor.prototype.sqrt = function (): Tensor {
  return invokeTensor(op_sqrt, this.slot);
};

Tensor.prototype.rsqrt = function (): Tensor {
  return invokeTensor(op_rsqrt, this.slot);
};

Tensor.prototype.reciprocal = function (): Tensor {
  return invokeTensor(op_reciprocal, this.slot);
};

Tensor.prototype.abs = function (): Tensor {
  return invokeTensor(op_abs, this.slot);
};

Tensor.prototype.sin = function (): Tensor {
  return invokeTensor(op_sin, this.slot);
};

Tensor.prototype.cos = function (): Tensor {
  return invokeTensor(op_cos, this.slot);
};

Tensor.prototype.tanh = function (): Tensor {
  return invokeTensor(op_tanh, this.slot);
};

Tensor.prototype.sigmoid = function (): Tensor {
  return invokeTensor(op_sigmoid, this.slot);
};

Tensor.prototype.relu = function (): Tensor {
  return invokeTensor(op_relu, this.slot);
};

Tensor.prototype.silu = function (): Tensor {
  return invokeTensor(op_silu, this.slot);
};

Tensor.prototype.floor = function (): Tensor {
  return invokeTensor(op_floor, this.slot);
};

Tensor.prototype.ceil = function (): Tensor {
  return invokeTensor(op_ceil, this.slot);
};

Tensor.prototype.round = function (): Tensor {
  return invokeTensor(op_round, this.slot);
};

Tensor.prototype.square = function (): Tensor {
  return invokeTensor(op_square, this.slot);
};

Tensor.prototype.isfinite = function (): Tensor {
  return invokeTensor(op_isfinite, this.slot);
};

Tensor.prototype.logicalNot = function (): Tensor {
  return invokeTensor(op_logical_not, this.slot);
};

Tensor.prototype.logicalAnd = function (other: Tensor): Tensor {
  return invokeTensor(op_logical_and, this.slot, other.slot);
};

Tensor.prototype.logicalOr = function (other: Tensor): Tensor {
  return invokeTensor(op_logical_or, this.slot, other.slot);
};

Tensor.prototype.logicalXor = function (other: Tensor): Tensor {
  return invokeTensor(op_logical_xor, this.slot, other.slot);
};

Tensor.prototype.eq = function (other: Tensor | number): Tensor {
  if (typeof other === "number") return invokeTensor(op_eq_Scalar, this.slot, other);
  return invokeTensor(op_eq_Tensor, this.slot, other.slot);
};

Tensor.prototype.ne = function (other: Tensor | number): Tensor {
  if (typeof other === "number") return invokeTensor(op_ne_Scalar, this.slot, other);
  return invokeTensor(op_ne_Tensor, this.slot, other.slot);
};

Tensor.prototype.lt = function (other: Tensor | number): Tensor {
  if (typeof other === "number") return invokeTensor(op_lt_Scalar, this.slot, other);
  return invokeTensor(op_lt_Tensor, this.slot, other.slot);
};

Tensor.prototype.le = function (other: Tensor | number): Tensor {
  if (typeof other === "number") return invokeTensor(op_le_Scalar, this.slot, other);
  return invokeTensor(op_le_Tensor, this.slot, other.slot);
};

Tensor.prototype.gt = function (other: Tensor | number): Tensor {
  if (typeof other === "number") return invokeTensor(op_gt_Scalar, this.slot, other);
  return invokeTensor(op_gt_Tensor, this.slot, other.slot);
};

Tensor.prototype.ge = function (other: Tensor | number): Tensor {
  if (typeof other === "number") return invokeTensor(op_ge_Scalar, this.slot, other);
  return invokeTensor(op_ge_Tensor, this.slot, other.slot);
};

Tensor.prototype.maximum = function (other: Tensor): Tensor {
  return invokeTensor(op_maximum, this.slot, other.slot);
};

Tensor.prototype.minimum = function (other: Tensor): Tensor {
  return invokeTensor(op_minimum, this.slot, other.slot);
};

Tensor.prototype.clamp = function (min?: number | null, max?: number | null): Tensor {
  return invokeTensor(op_clamp, this.slot, min, max);
};

Tensor.prototype.clamp_ = function (min?: number | null, max?: number | null): Tensor {
  return invokeTensor(op_clamp_, this.slot, min, max);
};

Tensor.prototype.lerp_ = function (end: Tensor, weight: number): Tensor {
  return invokeTensor(op_lerp__Scalar, this.slot, end.slot, weight);
};

Tensor.prototype.matmul = function (other: Tensor): Tensor {
  return invokeTensor(op_matmul, this.slot, other.slot);
};

Tensor.prototype.bmm = function (mat2: Tensor): Tensor {
  return invokeTensor(op_bmm, this.slot, mat2.slot);
};

Tensor.prototype.mm = function (mat2: Tensor): Tensor {
  return invokeTensor(op_mm, this.slot, mat2.slot);
};

Tensor.prototype.addmm = function (mat1: Tensor, mat2: Tensor, options?: { beta?: number; alpha?: number }): Tensor {
  return invokeTensor(op_addmm, this.slot, mat1.slot, mat2.slot, options?.beta, options?.alpha);
};

Tensor.prototype.sum = function (dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): Tensor {
  return invokeTensor(op_sum_dim_IntList, this.slot, dim, keepdim, dtypeOrNothing(options?.dtype));
};

Tensor.prototype.mean = function (dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): Tensor {
  return invokeTensor(op_mean_dim, this.slot, dim, keepdim, dtypeOrNothing(options?.dtype));
};

Tensor.prototype.variance = function (dim?: number | readonly number[] | null, options?: { correction?: number | null; keepdim?: boolean }): Tensor {
  return invokeTensor(op_var_correction, this.slot, dim, options?.correction, options?.keepdim);
};

Tensor.prototype.amax = function (dim?: number | readonly number[], keepdim?: boolean): Tensor {
  return invokeTensor(op_amax, this.slot, dim, keepdim);
};

Tensor.prototype.amin = function (dim?: number | readonly number[], keepdim?: boolean): Tensor {
  return invokeTensor(op_amin, this.slot, dim, keepdim);
};

Tensor.prototype.argmax = function (dim?: number | null, keepdim?: boolean): Tensor {
  return invokeTensor(op_argmax, this.slot, dim, keepdim);
};

Tensor.prototype.argmin = function (dim?: number | null, keepdim?: boolean): Tensor {
  return invokeTensor(op_argmin, this.slot, dim, keepdim);
};

Tensor.prototype.argsort = function (dim?: number, descending?: boolean): Tensor {
  return invokeTensor(op_argsort, this.slot, dim, descending);
};

Tensor.prototype.cumsum = function (dim: number, options?: { dtype?: DType | null }): Tensor {
  return invokeTensor(op_cumsum, this.slot, dim, dtypeOrNothing(options?.dtype));
};

Tensor.prototype.topk = function (k: number, dim?: number, largest?: boolean, sorted?: boolean): [Tensor, Tensor] {
  return invokeTensors(op_topk, this.slot, k, dim, largest, sorted) as [Tensor, Tensor];
};

Tensor.prototype.sort = function (dim?: number, descending?: boolean): [Tensor, Tensor] {
  return invokeTensors(op_sort, this.slot, dim, descending) as [Tensor, Tensor];
};

Tensor.prototype.all = function (): Tensor {
  return invokeTensor(op_all, this.slot);
};

Tensor.prototype.any = function (): Tensor {
  return invokeTensor(op_any, this.slot);
};

Tensor.prototype.norm = function (p: number | null, dim: number | readonly number[], keepdim?: boolean): Tensor {
  return invokeTensor(op_norm_ScalarOpt_dim, this.slot, p, dim, keepdim);
};

Tensor.prototype.softmax = function (dim: number, dtype?: DType | null): Tensor {
  return invokeTensor(op_softmax_int, this.slot, dim, dtypeOrNothing(dtype));
};

Tensor.prototype.logSoftmax = function (dim: number, dtype?: DType | null): Tensor {
  return invokeTensor(op_log_softmax_int, this.slot, dim, dtypeOrNothing(dtype));
};

Tensor.prototype.logsumexp = function (dim: number | readonly number[], keepdim?: boolean): Tensor {
  return invokeTensor(op_logsumexp, this.slot, dim, keepdim);
};

Tensor.prototype.reshape = function (shape: number | readonly number[]): Tensor {
  return invokeTensor(op_reshape, this.slot, shape);
};

Tensor.prototype.view = function (size: number | readonly number[]): Tensor {
  return invokeTensor(op_view, this.slot, size);
};

Tensor.prototype.permute = function (dims: number | readonly number[]): Tensor {
  return invokeTensor(op_permute, this.slot, dims);
};

Tensor.prototype.transpose = function (dim0: number, dim1: number): Tensor {
  return invokeTensor(op_transpose_int, this.slot, dim0, dim1);
};

Tensor.prototype.t = function (): Tensor {
  return invokeTensor(op_t, this.slot);
};

Tensor.prototype.unsqueeze = function (dim: number): Tensor {
  return invokeTensor(op_unsqueeze, this.slot, dim);
};

Tensor.prototype.squeeze = function (dim: number): Tensor {
  return invokeTensor(op_squeeze_dim, this.slot, dim);
};

Tensor.prototype.expand = function (size: number | readonly number[], options?: { implicit?: boolean }): Tensor {
  return invokeTensor(op_expand, this.slot, size, options?.implicit);
};

Tensor.prototype.repeat = function (repeats: number | readonly number[]): Tensor {
  return invokeTensor(op_repeat, this.slot, repeats);
};

Tensor.prototype.repeatInterleave = function (repeats: number, dim?: number | null, options?: { outputSize?: number | null }): Tensor {
  return invokeTensor(op_repeat_interleave_self_int, this.slot, repeats, dim, options?.outputSize);
};

Tensor.prototype.flatten = function (startDim?: number, endDim?: number): Tensor {
  return invokeTensor(op_flatten_using_ints, this.slot, startDim, endDim);
};

Tensor.prototype.unbind = function (dim?: number): Tensor[] {
  return invokeTensors(op_unbind_int, this.slot, dim);
};

Tensor.prototype.chunk = function (chunks: number, dim?: number): Tensor[] {
  return invokeTensors(op_chunk, this.slot, chunks, dim);
};

Tensor.prototype.split = function (splitSize: number, dim?: number): Tensor[] {
  return invokeTensors(op_split_Tensor, this.slot, splitSize, dim);
};

Tensor.prototype.narrow = function (dim: number, start: number, length: number): Tensor {
  return invokeTensor(op_narrow, this.slot, dim, start, length);
};

Tensor.prototype.select = function (dim: number, index: number): Tensor {
  return invokeTensor(op_select_int, this.slot, dim, index);
};

Tensor.prototype.slice = function (dim?: number, start?: number | null, end?: number | null, step?: number): Tensor {
  return invokeTensor(op_slice_Tensor, this.slot, dim, start, end, step);
};

Tensor.prototype.indexSelect = function (dim: number, index: Tensor): Tensor {
  return invokeTensor(op_index_select, this.slot, dim, index.slot);
};

Tensor.prototype.index = function (indices: readonly (Tensor | null)[]): Tensor {
  return invokeTensor(op_index_Tensor, this.slot, indices.map((one) => one?.slot ?? null));
};

Tensor.prototype.indexPut_ = function (indices: readonly (Tensor | null)[], values: Tensor, accumulate?: boolean): Tensor {
  return invokeTensor(op_index_put_, this.slot, indices.map((one) => one?.slot ?? null), values.slot, accumulate);
};

Tensor.prototype.gather = function (dim: number, index: Tensor, options?: { sparseGrad?: boolean }): Tensor {
  return invokeTensor(op_gather, this.slot, dim, index.slot, options?.sparseGrad);
};

Tensor.prototype.scatter = function (dim: number, index: Tensor, src: Tensor): Tensor {
  return invokeTensor(op_scatter_src, this.slot, dim, index.slot, src.slot);
};

Tensor.prototype.scatterValue = function (dim: number, index: Tensor, value: number): Tensor {
  return invokeTensor(op_scatter_value, this.slot, dim, index.slot, value);
};

Tensor.prototype.maskedFill = function (mask: Tensor, value: number): Tensor {
  return invokeTensor(op_masked_fill_Scalar, this.slot, mask.slot, value);
};

Tensor.prototype.maskedFill_ = function (mask: Tensor, value: number): Tensor {
  return invokeTensor(op_masked_fill__Scalar, this.slot, mask.slot, value);
};

Tensor.prototype.maskedSelect = function (mask: Tensor): Tensor {
  return invokeTensor(op_masked_select, this.slot, mask.slot);
};

Tensor.prototype.nonzero = function (): Tensor {
  return invokeTensor(op_nonzero, this.slot);
};

Tensor.prototype.flip = function (dims: number | readonly number[]): Tensor {
  return invokeTensor(op_flip, this.slot, dims);
};

Tensor.prototype.roll = function (shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
  return invokeTensor(op_roll, this.slot, shifts, dims);
};

Tensor.prototype.tril = function (diagonal?: number): Tensor {
  return invokeTensor(op_tril, this.slot, diagonal);
};

Tensor.prototype.triu = function (diagonal?: number): Tensor {
  return invokeTensor(op_triu, this.slot, diagonal);
};

Tensor.prototype.diagonal = function (offset?: number, dim1?: number, dim2?: number): Tensor {
  return invokeTensor(op_diagonal, this.slot, offset, dim1, dim2);
};

Tensor.prototype.contiguous = function (): Tensor {
  return invokeTensor(op_contiguous, this.slot);
};

Tensor.prototype.clone = function (): Tensor {
  return invokeTensor(op_clone, this.slot);
};

Tensor.prototype.detach = function (): Tensor {
  return invokeTensor(op_detach, this.slot);
};

Tensor.prototype.copy_ = function (src: Tensor): Tensor {
  return invokeTensor(op_copy_, this.slot, src.slot);
};

Tensor.prototype.zero_ = function (): Tensor {
  return invokeTensor(op_zero_, this.slot);
};

Tensor.prototype.fill_ = function (value: number): Tensor {
  return invokeTensor(op_fill__Scalar, this.slot, value);
};

Tensor.prototype.normal_ = function (mean?: number, std?: number, options?: { generator?: Generator | null }): Tensor {
  return invokeTensor(op_normal_, this.slot, mean, std, options?.generator?.slot);
};

Tensor.prototype.uniform_ = function (from?: number, to?: number, options?: { generator?: Generator | null }): Tensor {
  return invokeTensor(op_uniform_, this.slot, from, to, options?.generator?.slot);
};

Tensor.prototype.addcmul_ = function (tensor1: Tensor, tensor2: Tensor, options?: { value?: number }): Tensor {
  return invokeTensor(op_addcmul_, this.slot, tensor1.slot, tensor2.slot, options?.value);
};

Tensor.prototype.addcdiv_ = function (tensor1: Tensor, tensor2: Tensor, options?: { value?: number }): Tensor {
  return invokeTensor(op_addcdiv_, this.slot, tensor1.slot, tensor2.slot, options?.value);
};

Tensor.prototype.to = function (options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op__to_copy, this.slot, dtypeOrNothing(options?.dtype), undefined, options?.device);
};

Tensor.prototype.outer = function (vec2: Tensor): Tensor {
  return invokeTensor(op_outer, this.slot, vec2.slot);
};

Tensor.prototype.dot = function (tensor: Tensor): Tensor {
  return invokeTensor(op_dot, this.slot, tensor.slot);
};

Tensor.prototype.specialNdtri = function (): Tensor {
  return invokeTensor(op_special_ndtri, this.slot);
};

Tensor.prototype.specialNdtr = function (): Tensor {
  return invokeTensor(op_special_ndtr, this.slot);
};

Tensor.prototype.erf = function (): Tensor {
  return invokeTensor(op_erf, this.slot);
};

Tensor.prototype.unfold = function (dimension: number, size: number, step: number): Tensor {
  return invokeTensor(op_unfold, this.slot, dimension, size, step);
};

Tensor.prototype.linalgNorm = function (ord?: number, dim?: number | readonly number[] | null, keepdim?: boolean, options?: { dtype?: DType | null }): Tensor {
  return invokeTensor(op_linalg_vector_norm, this.slot, ord, dim, keepdim, dtypeOrNothing(options?.dtype));
};

/** `aten::zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function zeros(size: number | readonly number[], options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_zeros, size, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function ones(size: number | readonly number[], options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_ones, size, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function full(size: number | readonly number[], fillValue: number, options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_full, size, fillValue, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::empty.memory_format(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function empty(size: number | readonly number[], options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_empty_memory_format, size, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function arange(start: number, end: number, step?: number, options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_arange_start_step, start, end, step, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::linspace(Scalar start, Scalar end, int steps, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function linspace(start: number, end: number, steps: number, options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_linspace, start, end, steps, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::eye(int n, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function eye(n: number, options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_eye, n, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function zerosLike(self: Tensor, options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_zeros_like, self.slot, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function onesLike(self: Tensor, options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_ones_like, self.slot, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::empty_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function emptyLike(self: Tensor, options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_empty_like, self.slot, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::full_like(Tensor self, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
export function fullLike(self: Tensor, fillValue: number, options?: { dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_full_like, self.slot, fillValue, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::randn.generator(int[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function randn(size: number | readonly number[], options?: { generator?: Generator | null; dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_randn_generator, size, options?.generator?.slot, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::rand.generator(int[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function rand(size: number | readonly number[], options?: { generator?: Generator | null; dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_rand_generator, size, options?.generator?.slot, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::randint.low_generator(int low, int high, int[] size, *, Generator? generator, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function randint(low: number, high: number, size: number | readonly number[], options?: { generator?: Generator | null; dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_randint_low_generator, low, high, size, options?.generator?.slot, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::randperm.generator(int n, *, Generator? generator, ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor` */
export function randperm(n: number, options?: { generator?: Generator | null; dtype?: DType | null; device?: Device | null }): Tensor {
  return invokeTensor(op_randperm_generator, n, options?.generator?.slot, dtypeOrNothing(options?.dtype), undefined, options?.device);
}

/** `aten::cat(Tensor[] tensors, int dim=0) -> Tensor` */
export function cat(tensors: readonly Tensor[], dim?: number): Tensor {
  return invokeTensor(op_cat, slotsOf(tensors), dim);
}

/** `aten::stack(Tensor[] tensors, int dim=0) -> Tensor` */
export function stack(tensors: readonly Tensor[], dim?: number): Tensor {
  return invokeTensor(op_stack, slotsOf(tensors), dim);
}

/** `aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor` */
export function where(condition: Tensor, self: Tensor, other: Tensor): Tensor {
  return invokeTensor(op_where_self, condition.slot, self.slot, other.slot);
}

/** `aten::einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor` */
export function einsum(equation: string, tensors: readonly Tensor[], options?: { path?: number | readonly number[] | null }): Tensor {
  return invokeTensor(op_einsum, equation, slotsOf(tensors), options?.path);
}

/** `aten::one_hot(Tensor self, int num_classes=-1) -> Tensor` */
export function oneHot(self: Tensor, numClasses?: number): Tensor {
  return invokeTensor(op_one_hot, self.slot, numClasses);
}

/** `aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor` */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  return invokeTensor(op_linear, input.slot, weight.slot, bias?.slot);
}

/** `aten::embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor` */
export function embedding(weight: Tensor, indices: Tensor, paddingIdx?: number, scaleGradByFreq?: boolean, sparse?: boolean): Tensor {
  return invokeTensor(op_embedding, weight.slot, indices.slot, paddingIdx, scaleGradByFreq, sparse);
}

/** `aten::layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor` */
export function layerNorm(input: Tensor, normalizedShape: number | readonly number[], weight?: Tensor | null, bias?: Tensor | null, eps?: number): Tensor {
  return invokeTensor(op_layer_norm, input.slot, normalizedShape, weight?.slot, bias?.slot, eps, true);
}

/** `aten::batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps, bool cudnn_enabled) -> Tensor` */
export function batchNorm(input: Tensor, weight: Tensor | null, bias: Tensor | null, runningMean: Tensor | null, runningVar: Tensor | null, training: boolean, momentum: number, eps: number): Tensor {
  return invokeTensor(op_batch_norm, input.slot, weight?.slot, bias?.slot, runningMean?.slot, runningVar?.slot, training, momentum, eps, true);
}

/** `aten::gelu(Tensor self, *, str approximate="none") -> Tensor` */
export function gelu(self: Tensor, options?: { approximate?: string }): Tensor {
  return invokeTensor(op_gelu, self.slot, options?.approximate);
}

/** `aten::dropout(Tensor input, float p, bool train) -> Tensor` */
export function dropout(input: Tensor, p: number, train: boolean): Tensor {
  return invokeTensor(op_dropout, input.slot, p, train);
}

/** `aten::conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, int[2] dilation=1, int groups=1) -> Tensor` */
export function convolution2d(input: Tensor, weight: Tensor, bias?: Tensor | null, stride?: number | readonly number[], padding?: number | readonly number[], dilation?: number | readonly number[], groups?: number): Tensor {
  return invokeTensor(op_conv2d, input.slot, weight.slot, bias?.slot, stride, padding, dilation, groups);
}

/** `aten::group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enabled=True) -> Tensor` */
export function groupNorm(input: Tensor, numGroups: number, weight?: Tensor | null, bias?: Tensor | null, eps?: number): Tensor {
  return invokeTensor(op_group_norm, input.slot, numGroups, weight?.slot, bias?.slot, eps, true);
}

/** `aten::mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor` */
export function mseLoss(self: Tensor, target: Tensor, reduction?: number): Tensor {
  return invokeTensor(op_mse_loss, self.slot, target.slot, reduction);
}

/** `aten::cross_entropy_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, int ignore_index=-100, float label_smoothing=0.) -> Tensor` */
export function crossEntropy(self: Tensor, target: Tensor, weight?: Tensor | null, reduction?: number, ignoreIndex?: number, labelSmoothing?: number): Tensor {
  return invokeTensor(op_cross_entropy_loss, self.slot, target.slot, weight?.slot, reduction, ignoreIndex, labelSmoothing);
}

/** `aten::cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor` */
export function cosineSimilarity(x1: Tensor, x2: Tensor, dim?: number, eps?: number): Tensor {
  return invokeTensor(op_cosine_similarity, x1.slot, x2.slot, dim, eps);
}

/** `aten::baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor` */
export function baddbmm(self: Tensor, batch1: Tensor, batch2: Tensor, options?: { beta?: number; alpha?: number }): Tensor {
  return invokeTensor(op_baddbmm, self.slot, batch1.slot, batch2.slot, options?.beta, options?.alpha);
}

/** `aten::scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None) -> (Tensor)` */
export function scaledDotProductAttention(query: Tensor, key: Tensor, value: Tensor, attnMask?: Tensor | null, dropoutP?: number, isCausal?: boolean, options?: { scale?: number | null }): Tensor {
  return invokeTensor(op_scaled_dot_product_attention, query.slot, key.slot, value.slot, attnMask?.slot, dropoutP, isCausal, options?.scale);
}

/** `aten::linalg_eigh(Tensor self, str UPLO="L") -> (Tensor eigenvalues, Tensor eigenvectors)` */
export function linalgEigh(self: Tensor, UPLO?: string): [Tensor, Tensor] {
  return invokeTensors(op_linalg_eigh, self.slot, UPLO) as [Tensor, Tensor];
}

/** `aten::linalg_qr(Tensor A, str mode="reduced") -> (Tensor Q, Tensor R)` */
export function linalgQr(A: Tensor, mode?: string): [Tensor, Tensor] {
  return invokeTensors(op_linalg_qr, A.slot, mode) as [Tensor, Tensor];
}

/** `aten::_foreach_add_.List(Tensor(a!)[] self, Tensor[] other, *, Scalar alpha=1) -> ()` */
export function foreachAdd_(self: readonly Tensor[], other: readonly Tensor[], options?: { alpha?: number }): void {
  invoke(op__foreach_add__List, slotsOf(self), slotsOf(other), options?.alpha);
}

/** `aten::_foreach_mul_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()` */
export function foreachMul_(self: readonly Tensor[], scalar: number): void {
  invoke(op__foreach_mul__Scalar, slotsOf(self), scalar);
}

/** `aten::upsample_bicubic2d(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, float? scales_w=None) -> Tensor` */
export function upsampleBicubic(self: Tensor, outputSize: number | readonly number[], alignCorners: boolean, scalesH?: number | null, scalesW?: number | null): Tensor {
  return invokeTensor(op_upsample_bicubic2d, self.slot, outputSize, alignCorners, scalesH, scalesW);
}

/** `aten::upsample_nearest2d(Tensor self, SymInt[2] output_size, float? scales_h=None, float? scales_w=None) -> Tensor` */
export function upsampleNearest(self: Tensor, outputSize: number | readonly number[], scalesH?: number | null, scalesW?: number | null): Tensor {
  return invokeTensor(op_upsample_nearest2d, self.slot, outputSize, scalesH, scalesW);
}

/** `aten::upsample_bilinear2d(Tensor self, SymInt[2] output_size, bool align_corners, float? scales_h=None, float? scales_w=None) -> Tensor` */
export function upsampleBilinear(self: Tensor, outputSize: number | readonly number[], alignCorners: boolean, scalesH?: number | null, scalesW?: number | null): Tensor {
  return invokeTensor(op_upsample_bilinear2d, self.slot, outputSize, alignCorners, scalesH, scalesW);
}

/** `aten::avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor` */
export function avgPool2d(self: Tensor, kernelSize: number | readonly number[], stride?: number | readonly number[], padding?: number | readonly number[], ceilMode?: boolean, countIncludePad?: boolean, divisorOverride?: number | null): Tensor {
  return invokeTensor(op_avg_pool2d, self.slot, kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride);
}

/** `aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> Tensor` */
export function maxPool2d(self: Tensor, kernelSize: number | readonly number[], stride?: number | readonly number[], padding?: number | readonly number[], dilation?: number | readonly number[], ceilMode?: boolean): Tensor {
  return invokeTensor(op_max_pool2d, self.slot, kernelSize, stride, padding, dilation, ceilMode);
}

/** `aten::constant_pad_nd(Tensor self, int[] pad, Scalar value=0) -> Tensor` */
export function constantPad(self: Tensor, pad: number | readonly number[], value?: number): Tensor {
  return invokeTensor(op_constant_pad_nd, self.slot, pad, value);
}
