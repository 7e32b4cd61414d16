/* SPDX-License-Identifier: Apache-2.0
 * Arm Compute Library's convolutions for NHWC in f32, as a worker. Its rows' name says which: acl is the library's own
 * choice (of a depthwise layer its depthwise function), acl-gemm, acl-gemm-conv2d, acl-direct, acl-winograd and acl-fft
 * one method each. validate and configure may throw, and do: what they throw is an error with its words. */
#include "memory.h"
#include "shim.h"

#include "arm_compute/core/Types.h"
#include "arm_compute/runtime/Allocator.h"
#include "arm_compute/runtime/BlobLifetimeManager.h"
#include "arm_compute/runtime/IMemoryRegion.h"
#include "arm_compute/runtime/MemoryManagerOnDemand.h"
#include "arm_compute/runtime/NEON/NEFunctions.h"
#include "arm_compute/runtime/NEON/NEScheduler.h"
#include "arm_compute/runtime/PoolManager.h"
#include "arm_compute/runtime/Tensor.h"

#include <cmath>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace arm_compute;

namespace {

/* The memory manager takes here what runs work in. */
class Counting final : public IAllocator {
  public:
    void *allocate(size_t size, size_t alignment) override {
        return m_plain.allocate(size, alignment);
    }
    void free(void *block) override {
        m_plain.free(block);
    }
    std::unique_ptr<IMemoryRegion> make_region(size_t size, size_t alignment) override {
        bytes += size;
        return m_plain.make_region(size, alignment);
    }
    size_t bytes = 0;

  private:
    Allocator m_plain;
};

struct Object {
    Counting allocator; /* outlives what it gave */
    std::shared_ptr<MemoryManagerOnDemand> manager;
    std::vector<float> depthwise; /* weights in the order that the depthwise function takes */
    Tensor input, weights, bias, output;
    std::unique_ptr<IFunction> function;
    size_t weights_bytes = 0, matrix_bytes = 0, object_bytes = 0;
    const char *kernel = nullptr; /* where it is the library's choice */
};

size_t alive = 0; /* objects */

TensorInfo info(TensorShape shape) {
    TensorInfo made(shape, 1, DataType::F32);
    made.set_data_layout(DataLayout::NHWC);
    return made;
}

const char *name_of(ConvolutionMethod method) {
    switch (method) {
    case ConvolutionMethod::GEMM:
        return "gemm";
    case ConvolutionMethod::GEMM_CONV2D:
        return "gemm-conv2d";
    case ConvolutionMethod::DIRECT:
        return "direct";
    case ConvolutionMethod::WINOGRAD:
        return "winograd";
    case ConvolutionMethod::FFT:
        return "fft";
    default:
        return "other";
    }
}

/* A layer as the library's functions take it. */
struct Call {
    PadStrideInfo geometry;
    Size2D dilation;
    ActivationLayerInfo clamp;
    unsigned groups;
    bool is_depthwise;
    unsigned multiplier;
};

Call call_of(const shim_layer &l) {
    const bool is_clamped = std::isfinite(l.output_min) || std::isfinite(l.output_max);
    Call call{PadStrideInfo(l.stride_width, l.stride_height, l.pad_left, l.pad_right, l.pad_top, l.pad_bottom,
                            DimensionRoundingType::FLOOR),
              Size2D(l.dilation_width, l.dilation_height),
              ActivationLayerInfo(),
              unsigned(l.groups),
              l.groups > 1 && l.groups == l.in_channels,
              unsigned(l.out_channels / l.groups)};
    if (is_clamped) {
        call.clamp =
            ActivationLayerInfo(ActivationLayerInfo::ActivationFunction::LU_BOUNDED_RELU, l.output_max, l.output_min);
    }
    return call;
}

/* Of a function of the library, whose validate and configure take the tensors and then the same: the reason why not. */
template <class Function, class... Rest> Status make_one(Object &o, const Rest &...rest) {
    const Status status = Function::validate(o.input.info(), o.weights.info(), o.bias.info(), o.output.info(), rest...);
    if (bool(status)) {
        auto function = std::make_unique<Function>(o.manager);
        function->configure(&o.input, &o.weights, &o.bias, &o.output, rest...);
        o.function = std::move(function);
    }
    return status;
}

/* Throws what the library throws. */
Status make(Object &o, const std::string &method, const Call &c) {
    const WeightsInfo as_they_are;
    if (method == "acl" && c.is_depthwise) {
        o.kernel = "depthwise";
        return make_one<NEDepthwiseConvolutionLayer>(o, c.geometry, c.multiplier, c.clamp, c.dilation);
    }
    if (method == "acl") {
        o.kernel = name_of(NEConvolutionLayer::get_convolution_method(
            o.input.info(), o.weights.info(), o.output.info(), c.geometry, as_they_are, c.dilation, c.clamp, false));
        return make_one<NEConvolutionLayer>(o, c.geometry, as_they_are, c.dilation, c.clamp, false, c.groups);
    }
    if (method == "acl-gemm") {
        return make_one<NEGEMMConvolutionLayer>(o, c.geometry, as_they_are, c.dilation, c.clamp, false, c.groups);
    }
    if (method == "acl-gemm-conv2d") {
        return make_one<NEGEMMConv2d>(o, Conv2dInfo(c.geometry, c.dilation, c.clamp, false, c.groups));
    }
    if (c.dilation != Size2D(1U, 1U) || c.groups > 1) {
        return Status(ErrorCode::RUNTIME_ERROR, "this method has no dilation and no groups");
    }
    if (method == "acl-direct") {
        return make_one<NEDirectConvolutionLayer>(o, c.geometry, c.clamp);
    }
    if (method == "acl-winograd") {
        return make_one<NEWinogradConvolutionLayer>(o, c.geometry, c.clamp, false);
    }
    if (method == "acl-fft") {
        return make_one<NEFFTConvolutionLayer>(o, c.geometry, c.clamp, false);
    }
    throw std::invalid_argument("the worker is called " + method + ", which is none of its methods");
}

/* [channel][height][width] as [height][width][channel]. */
std::vector<float> channels_last(const shim_layer &l, const float *weights) {
    const size_t taps = l.kernel_height * l.kernel_width;
    std::vector<float> made(taps * l.out_channels);
    for (size_t channel = 0; channel < l.out_channels; channel++) {
        for (size_t tap = 0; tap < taps; tap++) {
            made[tap * l.out_channels + channel] = weights[channel * taps + tap];
        }
    }
    return made;
}

/* The tensors where they are: nothing is copied. False: the library wants padding around one of them. */
bool place(Object &o, const shim_tensors &t, const float *weights) {
    for (const Tensor *tensor : {&o.input, &o.weights, &o.bias, &o.output}) {
        if (tensor->info()->has_padding()) {
            return false;
        }
    }
    return bool(o.input.allocator()->import_memory(const_cast<float *>(t.input))) &&
           bool(o.weights.allocator()->import_memory(const_cast<float *>(weights))) &&
           bool(o.bias.allocator()->import_memory(const_cast<float *>(t.bias))) &&
           bool(o.output.allocator()->import_memory(t.output));
}

const char *told(const std::string &what) {
    static std::string kept;
    kept = what.empty() ? "no reason given" : what;
    for (char &c : kept) {
        c = c == '\n' ? ' ' : c;
    }
    return kept.c_str();
}

const char *create(const shim_layer *l, const shim_tensors *t, void **made) {
    const std::string asked = l->algorithm;
    try {
        NEScheduler::get().set_num_threads(unsigned(l->threads));
        auto o = std::make_unique<Object>();
        const Call c = call_of(*l);
        const bool is_depthwise = asked == "acl" && c.is_depthwise;
        if (is_depthwise) {
            o->depthwise = channels_last(*l, t->weights);
        }
        o->manager = std::make_shared<MemoryManagerOnDemand>(std::make_shared<BlobLifetimeManager>(),
                                                             std::make_shared<PoolManager>());
        o->input.allocator()->init(info(TensorShape(l->in_channels, l->width, l->height, l->batch)));
        o->weights.allocator()->init(info(is_depthwise ? TensorShape(l->out_channels, l->kernel_width, l->kernel_height)
                                                       : TensorShape(l->in_channels / l->groups, l->kernel_width,
                                                                     l->kernel_height, l->out_channels)));
        o->bias.allocator()->init(info(TensorShape(l->out_channels)));
        o->output.allocator()->init(info(TensorShape(l->out_channels, l->out_width, l->out_height, l->batch)));
        if (!alive) { /* objects of a layer are made and destroyed together */
            /* Packed or transformed weights are no smaller than the layer's. */
            memory_set_large(l->out_channels * l->kernel_height * l->kernel_width * (l->in_channels / l->groups) *
                             sizeof(float));
        }
        const memory_held before = memory_now();
        const Status status = make(*o, asked, c);
        if (!bool(status)) {
            return told(status.error_description());
        }
        if (!place(*o, *t, is_depthwise ? o->depthwise.data() : t->weights)) {
            return "the library wants padding around a tensor, and ours lie without";
        }
        const memory_held configured = memory_now();
        o->manager->populate(o->allocator, 1);
        const memory_held populated = memory_now();
        o->function->prepare();
        const memory_held prepared = memory_now();
        o->weights_bytes = configured.large - before.large + prepared.large - populated.large;
        o->matrix_bytes = o->allocator.bytes;
        o->object_bytes = prepared.all - before.all - o->weights_bytes - o->matrix_bytes;
        *made = o.release();
        alive++;
        return nullptr;
    } catch (const std::exception &error) {
        return shim_failed(told(error.what()));
    } catch (...) {
        return shim_failed("it threw what is no exception");
    }
}

const char *run(void *made) {
    try {
        static_cast<Object *>(made)->function->run();
        return nullptr;
    } catch (const std::exception &error) {
        return told(error.what());
    }
}

void destroy(void *made) {
    delete static_cast<Object *>(made);
    alive--;
}

void tell(void *made, shim_told *told) {
    const Object &o = *static_cast<const Object *>(made);
    told->weights_bytes = o.weights_bytes;
    told->matrix_bytes = o.matrix_bytes;
    told->object_bytes = o.object_bytes;
    told->kernel = o.kernel;
}

} // namespace

int main(int argc, char **argv) {
    const shim_functions functions = {create, run, destroy, tell, nullptr};
    return shim_main(argc, argv, &functions);
}
