# All synthetic images of a split, and the synthetic test set, converted by a GAN.
#   in:  a GAN, the split, the synthetic images
#   out: results/{size}/draw{draw}/convert/seed{seed}/{train,test}.npz (images, labels)
#        results/{size}/draw{draw}/convert/untrained_seed{seed}/, the same by the GAN's generator
#        before it was trained: the control
#        results/{size}/draw{draw}/convert/seed{seed}/{folder,parquet}/, if convert.formats says so

CONVERSIONS = IMAGES_HELD * EXPERIMENT.convert.copies


rule convert:
    input:
        code=code("convert.py"),
        spec=SPEC,
        networks="results/{fold}{size}/draw{draw}/gan/seed{seed}/networks.safetensors",
        split="results/{fold}{size}/draw{draw}/splits/split.npz",
        synthetic_train="results/synthetic/train.npz",
        synthetic_test="results/synthetic/test.npz",
    output:
        train="results/{fold}{size}/draw{draw}/convert/seed{seed}/train.npz",
        test="results/{fold}{size}/draw{draw}/convert/seed{seed}/test.npz",
    log:
        "results/logs/{fold}{size}/draw{draw}/convert_seed{seed}.log",
    benchmark:
        "results/benchmarks/{fold}{size}/draw{draw}/convert_seed{seed}.tsv"
    priority: 1
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=memory(4000, CONVERSIONS),
        runtime=minutes(
            (CONVERSIONS, GANS[EXPERIMENT.gan_preset].conversion_rate),
        ),
        gpu=GPU,
    params:
        **COMPUTE,
        gan=asdict(EXPERIMENT.gan),
        config=asdict(EXPERIMENT.convert),
        trained=True,
    script:
        "../workflow/scripts/convert.py"


use rule convert as convert_untrained with:
    output:
        train="results/{fold}{size}/draw{draw}/convert/untrained_seed{seed}/train.npz",
        test="results/{fold}{size}/draw{draw}/convert/untrained_seed{seed}/test.npz",
    log:
        "results/logs/{fold}{size}/draw{draw}/convert_untrained_seed{seed}.log",
    benchmark:
        "results/benchmarks/{fold}{size}/draw{draw}/convert_untrained_seed{seed}.tsv"
    params:
        **COMPUTE,
        gan=asdict(EXPERIMENT.gan),
        config=asdict(EXPERIMENT.convert),
        trained=False,


rule convert_format:
    input:
        code=code("convert_format.py"),
        spec=SPEC,
        networks="results/{fold}{size}/draw{draw}/gan/seed{seed}/networks.safetensors",
        split="results/{fold}{size}/draw{draw}/splits/split.npz",
        converted_train="results/{fold}{size}/draw{draw}/convert/seed{seed}/train.npz",
        converted_test="results/{fold}{size}/draw{draw}/convert/seed{seed}/test.npz",
        synthetic_train="results/synthetic/train.npz",
        synthetic_test="results/synthetic/test.npz",
    output:
        directory("results/{fold}{size}/draw{draw}/convert/seed{seed}/{format}"),
    log:
        "results/logs/{fold}{size}/draw{draw}/convert_seed{seed}_{format}.log",
    benchmark:
        "results/benchmarks/{fold}{size}/draw{draw}/convert_seed{seed}_{format}.tsv"
    wildcard_constraints:
        format="|".join(FORMATS),
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=memory(4000, CONVERSIONS),
        runtime=minutes((CONVERSIONS, 1000)),
        gpu=GPU,
    params:
        **COMPUTE,
        least_strength=EXPERIMENT.convert.least_strength,
    script:
        "../workflow/scripts/convert_format.py"
