# Which real and which synthetic images an experiment of one size has.
#   in:  results/real/train.npz, results/synthetic/train.npz
#   out: results/{size}/draw{draw}/splits/split.npz (indices into both)


rule splits:
    input:
        code=code("splits.py"),
        spec=SPEC,
        real="results/{fold}real/train.npz",
        synthetic="results/synthetic/train.npz",
    output:
        "results/{fold}{size}/draw{draw}/splits/split.npz",
    log:
        "results/logs/{fold}{size}/draw{draw}/splits.log",
    # Every size's first, or a GAN would wait for its split behind another size's classifiers.
    priority: 2
    localrule: True
    conda:
        CONDA_ENV
    threads: 1
    resources:
        mem_mb=more(1000),
        runtime=more(5),
    params:
        size=lambda wildcards: tuple(SIZES[wildcards.size]),
        total=EXPERIMENT.splits.total,
        stratify=EXPERIMENT.splits.stratify,
    script:
        "../workflow/scripts/splits.py"
