# One GAN for each ratio and seed, from font images to images like MNIST's.
#   in:  a ratio's split, the MNIST and the font training images
#   out: results/r{ratio}/gan/seed{seed}/networks.npz, metrics.jsonl


rule gan:
    input:
        code=code("gan.py"),
        split="results/r{ratio}/splits/split.npz",
        mnist="results/mnist/train.npz",
        font="results/render/train.npz",
    output:
        networks="results/r{ratio}/gan/seed{seed}/networks.npz",
        metrics="results/r{ratio}/gan/seed{seed}/metrics.jsonl",
    log:
        "results/logs/r{ratio}/gan_seed{seed}.log",
    benchmark:
        "results/benchmarks/r{ratio}/gan_seed{seed}.tsv"
    priority: 1
    conda:
        CONDA_ENV
    # One core whatever --cores is: more would change the order of sums, and so the last bits.
    threads: 1
    resources:
        mem_mb=more(4000),
        runtime=minutes((EXPERIMENT.gan.samples, GAN_SAMPLES)),
        gpu=GPU,
    params:
        # Conversion's settings train no GAN anew.
        config=asdict(replace(EXPERIMENT.gan, candidates=1, copies=1, font_worth=None)),
    script:
        "../workflow/scripts/gan.py"
