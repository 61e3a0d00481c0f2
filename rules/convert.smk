# All of a ratio's font images, and the font test set, converted by the ratio's GAN.
#   in:  a GAN, the ratio's split, the font images, MNIST
#   out: results/r{ratio}/convert/seed{seed}/{train,test}.npz (images, labels)


rule convert:
    input:
        code=code("convert.py"),
        networks="results/r{ratio}/gan/seed{seed}/networks.npz",
        split="results/r{ratio}/splits/split.npz",
        mnist="results/mnist/train.npz",
        font_train="results/render/train.npz",
        font_test="results/render/test.npz",
    output:
        train="results/r{ratio}/convert/seed{seed}/train.npz",
        test="results/r{ratio}/convert/seed{seed}/test.npz",
    log:
        "results/logs/r{ratio}/convert_seed{seed}.log",
    benchmark:
        "results/benchmarks/r{ratio}/convert_seed{seed}.tsv"
    priority: 1
    conda:
        CONDA_ENV
    threads: 1
    resources:
        # Twice all candidates, of 784 bytes each, on top.
        mem_mb=more(
            4000 + EXPERIMENT.splits.total * EXPERIMENT.gan.candidates * 2 * 784 // 1_000_000
        ),
        runtime=minutes(
            (
                EXPERIMENT.splits.total * EXPERIMENT.gan.candidates * EXPERIMENT.gan.copies,
                CONVERSIONS,
            ),
            (EXPERIMENT.classifier.samples, CLASSIFIER_SAMPLES),
            jobs=4,
        ),
        gpu=GPU,
    params:
        config=asdict(EXPERIMENT.gan),
        # The teacher's, where one chooses among candidates.
        classifier=asdict(EXPERIMENT.classifier) if EXPERIMENT.gan.candidates > 1 else None,
    script:
        "../workflow/scripts/convert.py"
