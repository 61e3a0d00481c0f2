# The labelled real images, divided into those to train on and those to test on.
#   in:  a source of src/synth2real/sources/ (real: in the configuration)
#   out: results/real/spec.json (size, channels, classes, background)
#        results/real/{train,test}.npz (images, labels, source), or results/fold{fold}/real/
#        results/real/unlabelled.npz (images, source), of a folder without labels
#        results/real/{left_out,unlabelled_left_out}.csv, what could not be used (images.skip_bad)

REAL = EXPERIMENT.real_source
REAL_TEST = replace(REAL, path=EXPERIMENT.real.test or REAL.path)

# How large images are is not known before this stage: as large as they may be.
LARGEST_IMAGE = 3 * (EXPERIMENT.images.height or LARGEST) * (EXPERIMENT.images.width or LARGEST)


rule real:
    input:
        code=code("real.py"),
    output:
        spec=SPEC,
        train=expand("results/{fold}real/train.npz", fold=FOLDS),
        test=expand("results/{fold}real/test.npz", fold=FOLDS),
        left_out="results/real/left_out.csv",
    log:
        "results/logs/real.log",
    benchmark:
        "results/benchmarks/real.tsv"
    localrule: True
    conda:
        CONDA_ENV
    threads: readers(REAL)
    resources:
        mem_mb=more(1000 + 2 * min(LARGEST_BYTES, N_REAL * LARGEST_IMAGE) // 1_000_000),
        runtime=more(30),
    params:
        config=asdict(EXPERIMENT.real),
        images=asdict(EXPERIMENT.images),
        source=asdict(REAL),
        digest=[digest(REAL), digest(REAL_TEST, "test")],
    script:
        "../workflow/scripts/real.py"


rule real_unlabelled:
    input:
        code=code("real_unlabelled.py"),
        spec=SPEC,
        real_tests=expand("results/{fold}real/test.npz", fold=FOLDS),
    output:
        images="results/real/unlabelled.npz",
        left_out="results/real/unlabelled_left_out.csv",
    log:
        "results/logs/real_unlabelled.log",
    benchmark:
        "results/benchmarks/real_unlabelled.tsv"
    # Before GANs: what is wrong with these images shows early.
    priority: 3
    localrule: True
    conda:
        CONDA_ENV
    threads: THREADS
    resources:
        mem_mb=memory(1000, N_UNLABELLED),
        runtime=more(30),
    params:
        folder=EXPERIMENT.unlabelled,
        skip_bad=EXPERIMENT.images.skip_bad,
        digest=PICTURES and digest(PICTURES),
    script:
        "../workflow/scripts/real_unlabelled.py"
