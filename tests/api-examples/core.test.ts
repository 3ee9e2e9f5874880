// Written by `npm run docs:generate` from the examples in doc comments. Change those, not this file.
import { describe, it } from "vitest";
import * as z from "zod";
import { ANY_VALUE, AnabranchError, BEST_CHECKPOINT, BLOCK_GRAPH, CLIP_NORM, EVENT_VERSION, FASHION_MNIST_CLASSES, LAMBDA, MESSAGE_VERSION, MODEL, Multiplexed, NOISE_TOLERANCE, PRIVACY_RECORD, RunHistoryFold, SCALAR, SHIPPED_DATASETS, SPLIT_MESSAGES, SelectiveRepeat, TASK_KEYS, TEST_NODES, UNCLIPPED, VERSION, VirtualClock, accountantNames, activeStages, adapterOptions, adaptiveClusters, adaptiveMargin, adaptiveSplit, addDirection, addGaussian, addSums, adjacencyOf, adjustedLogits, adviceFor, affineOperator, aggregate, aggregatePairs, aggregationPasses, algorithms, alignedObjective, alignmentPenalty, allocationSampler, applyOverrides, areaUnderCurve, assetUrl, assign, assumptionsOf, asyncFedavg, attackObservation, attacks, auditAttacks, augmentationLosses, augmentationRamp, augmentedFeature, autoflip, averageLinkage, averageSubModels, balancedAssignment, baselineConfig, beforeStages, bernoulliBits, biasFreeNetwork, blockGraph, bottleneckOptions, boundText, bristle, broadcastCosine, buildMethod, byRound, byzantineOf, calibrateNoise, calibrateRounds, calibratedHead, calibrationLoss, centroidPosterior, centroidsByClass, chainOf, charTransformer, charTransformerOptions, checkDataset, checkpointName, choicesOfClients, chooseForDevice, classGroups, classMetrics, classPrototypes, classWeights, classification, classifierObjective, clientsForSum, clipUpdate, clusteringAccuracy, clusteringTemperature, cnn28Options, cnn28x28, cnnCifar, cnnCifarOptions, columnGroups, combine, combineVectors, commentedTemplate, communities, compileEvaluation, compileLocalTask, compressedDescent, compressedWeight, compressorOf, configFields, configHash, configSchema, confusionDirection, confusionSums, contrastiveLoss, convertStaleUpdate, copy, coreDelta, coreFromGradient, cosineDistances, countOnes, createAccountant, createAlgorithm, createModel, createPartitioner, curvatureOf, cutModel, cutToClusters, cyclicCode, dadao, datasetHash, dealParts, decodeBroadcast, decodeCheckpoint, decodeGradient, decodeImage, decodePayload, decodeSafetensors, decodeSealed, decodeSplitMessage, decodeSum, decodeUpdate, decodeVector, decodingFactors, decomposeDisparity, deepLeakage, defineMethod, deltaOf, denseWeights, deriveKey, describeFailure, detachedHeadLosses, dfedavg, dfedsam, diff2, diff2BvrLSgd, dilatedWeight, diloco, dirichlet, dirichletDisjoint, dirichletEqualSize, discreteGaussianSampler, discreteMechanism, disparity, distance, distancesAmong, distillation, distributionMatching, ditto, domainLoss, dot, dpFedavg, dpFedavgm, dpFedlamb, dpFedpgn, dpFedsam, drawFeatures, drawWeighted, easiestFirst, editDistance, embeddingSkew, emptyBasis, emptyLedger, encodeBroadcast, encodeCheckpoint, encodeGradients, encodeInto, encodeNoisedUpdate, encodePayload, encodeSafetensors, encodeSealed, encodeSplitMessage, encodeUpdate, encodeVector, encodedSize, encodingFault, endsTask, entryTypes, entryView, errorNorms, evaluateRange, evaluationRanges, exactUpdate, exampleCount, exampleSize, exchangedBytes, explain, explorationMask, exportOnnx, extendBasis, f1ByClass, factored, failsForTrouble, fairnessLimit, featureGradient, featureNames, featureValue, fedadagrad, fedadam, fedadamw, fedamd, fedasync, fedau, fedavg, fedavgm, fedbcgd, fedbcgdPlus, fedbn, fedbuff, fedcac, fedcm, fedcompass, fedconv, fedd2s, feddat, federate, fedfix, fedgh, fedkseed, fedld, fedlex, fedloge, fedmd, fedmuon, fednsam, fedpac, fedper, fedprox, fedpub, fedrep, fedrolex, fedsam, fedspeed, fedyogi, feedbackState, ferret, fewestUpdates, fillDirection, firstSentence, fitFeatures, flasc, fold, foldEvents, foldRange, forLiveClients, formatEpsilon, fot, fractionalCode, fractionalOrders, fraug, frl, frobeniusDistance, frozenBase, functionalSimilarity, fuseKnowledge, fusionWeights, gaussianAccountant, gaussianDelta, gaussianEpsilon, gcn, gcnOptions, generatedTensors, generatorPhase, geometryOf, ggeur, gini, globalCentroids, gradientFromFactors, gradientMatching, graphOf, groupEvents, groupFairness, groupImportance, gunzip, harderExamples, hasEnded, hasParallelRows, hasPersonalModels, hasVersionBefore, hashVector, headPhase, heavyBall, heldEntries, heldOf, heldUnits, heterofl, hiddenLayers, hidenseek, highestScores, hyperfl, hypernetworkModel, ifca, iid, imageQuestions, inProcessSimulation, initialParameters, inputOfLayer, inputsByBin, inputsByRow, instructionPrompt, instructions, integerOrders, invertGradients, isAway, isBiasLadder, isBursty, isFiniteVector, isRegression, isVector, isWeighted, jensenShannon, joinParameters, jointNorm, jsonText, kMeans, keepsParameters, keptEntries, keptExamples, knfu, knownRows, labelAccuracy, labelCounts, labelFromBias, labelFromWeights, labelsBySmallestEntry, labelsPresent, labelsWithRepeats, lambdaOf, largestEncoding, largestUpdate, layerBounds, layout, lbfgs, leakyScale, learnedChoices, leastImportant, lenet5, lenet5Options, lgFedavg, linear, linearOptions, loadFashionMnist10k, loadShippedDataset, loadTinyShakespeare, local, localCentroids, localSgd, logistic, logisticOptions, longTail, longTailSizes, lossWithMargin, mapOverlap, marginPenalty, masha, mashaDraws, maskRegularisers, maskedMomentumStep, matchExamples, matchedShare, matrixOf, matrixScore, meanCurvature, meanDivergence, meanGradient, meanGradientOf, meanOfCores, meanPairDistance, measureCompression, memoryBlobStore, memoryClientStates, mergeAdapters, messageLayouts, minimalToml, mix, mixCritical, mixed, mixingConstants, mixingOf, mixingRows, mlp, mlpOptions, modelBlocks, modelDelta, modelOf, modelOptions, modelSection, models, modelsOf, modest, modulate, mofedsam, monna, mostByzantine, namedModelParts, natural, nearest, nearestRows, neighbourGraph, nesterov, newInputs, newestCheckpoint, nextClipNorm, noSensitivity, noisePath, nonSmoothParts, norm2, normOf, normalisedAdjacency, normalisedRows, numbered, observeRound, observeSensitivity, occurring, ocfl, ofOwners, ofRank, offsiteEmulator, oneShotClusters, onebyte, openAdapter, openClassActivator, openDataSource, openFederation, openJudge, openMatch, openProbe, openPublicTrainer, openWorldTerms, optimisedProbabilities, optimizerSteps, optionReferences, optionUse, ownLayout, paddedSize, pairRuleNames, parseConfig, parseDeviceTrace, parseEvent, parseIdx, parseLedger, parseLink, parsePrivacyRecord, parseToml, partOf, partialFold, partialfed, partitionHash, partitionLabels, partitionReport, partitionStatistics, partitioners, partnersOf, perfedavg, permutation, personalModel, pfedlora, pfedme, pixelScale, placeUpdates, planBatches, planLeaves, pldAccountant, poissonSampler, poolOptions, pooledStatistics, populationStatistics, predictTest, prepareProblem, prepareQuadratics, prepareRun, printable, privacyEventOf, privacyEventSchema, processGradient, projectToBall, projectedUpdate, projectorOf, pruneExamples, pruneSmallest, prunedMask, pseudoLabelLoss, psnrOf, pulledBack, quadratic, quadraticOptions, quantile, quantitySkew, questionFamilies, randomStream, rangeScale, rankTiers, rdpAccountant, readCifar10, readCifar100, readCitations, readCsv, readEventLeniently, readIdx, readImageFolder, readLeaf, readLeafSplit, readParquet, readTextBySpeaker, readerLimits, realignedLogits, realignedWeight, recordAfter, recording, references, refreshes, regression, relativeEntropy, relativeLambda, renderEvent, renderToml, renyiDivergences, reptileStep, requireAtMost, requireBlobName, requireHonestLayers, requireKind, requireLayout, requirePrefix, rerce, resizeImage, resnet10, resnet18, resnet8, resnetOptions, resolveConfig, resumePoint, revealingFeatures, revisedUpdates, reward, rffl, rootKey, routeInstances, routedLogits, routedLoss, rowsOf, runClient, runEventSchemas, runFederation, runGolden, runInMemory, runStatuses, sampleWithoutReplacement, scaffold, scaleDown, scattered, scclip, scopeText, scoreGradient, scriptedSampler, searchGenerator, secureStream, seedMatrix, selectRows, selectTensorRows, selfCentredClipping, sensitivityScores, sentBytes, servedModel, serverPipeline, setRules, sfprompt, shardOptions, shards, shiftClients, shiftKinds, shortcutModel, shrunkShape, shuffle, signBytes, signVote, signWords, signedWeights, signs, simplexFrame, simulatedSecureAggregation, singleLabelClasses, singleMerging, skellamSampler, sketchInputs, sketching, slicedFold, sparseClassifier, spend, spentBy, spentText, splitAtRandom, splitByClass, splitClient, splitGroupTails, splitHoldout, splitMessageSize, splitParameters, splitServer, splitTraffic, stack, stageDistillationLoss, stageSoftLabels, stampEvent, standardizeTable, staticClassifier, statisticsOf, statusAfter, stepCount, stepFrom, stopsForTrouble, storageBits, storedBytes, storedWeights, streamingDiloco, structuralSimilarity, structuredMask, subLayout, subModels, sum, summarizeCsv, suppressedLoss, surrogateRound, suspectLayers, symmetricDirichlet, symmetricDivergences, synapticFlow, synchronous, syntheticClient, syntheticDataset, syntheticKeys, syntheticPopulation, tableEncoding, taskKeys, taskOfRound, taughtLoss, testNote, testSums, threefry2x32, toolReferences, traceFederation, traceProblem, traceQuadratics, trainGenerator, trainInTwoStages, trainInversionNetwork, trainedHeader, trainedStageHead, transposeImages, travelsAsTrained, treeMean, tripletScores, trueInputs, truePixels, twoHeadLoss, twoLogits, uniformMean, uniformSampler, unitAxes, unitImportance, unknownMethod, untried, updateNoiseMultiplier, updatedClassMeans, upperConfidence, usesOfSystem, usualAttacks, vcgossip, vectorOffsets, vectors, vilt, viltOptions, visibleCount, visibleExamples, visiblePart, vit, vitOptions, weightedMean, weightedWeights, wholeModel, withAdapters, withBottlenecks, withDualAdapters, withMetadata, withPool, withShards, withSharedAdapter, withStatistics, withUnitMasks, withoutUnits, writeLink, zeroFeatures, zerosLike } from "@anabranch/core";
import { CHAOS, FaultSource, HEALTHY, SimulatedFederation, VirtualTimers, algorithmCases, alteredBackend, blobStoreCases, clientStateCases, ledgerCases, methodCases, replayed, runChaosSeed, runCohort, simulateSmall, smallRun, type MethodOnProblem } from "@anabranch/core/conformance";
import { CONTROL_BYTES, ExecutorService, LIVE_VERSION, LiveServer, MOST_UPLOAD_PARTS, MemoryLedgers, RemoteExecutor, USUAL_LIMITS, WITHHELD, advanceVersion, answerError, blobName, clientMessage, contentHash, contentHashOf, describeTask, failureOf, fromBase64, heldBlob, imageReading, liveSecureAggregation, lostLedger, messageId, namesBlob, openTask, orderId, ownExamples, proofText, readUploadProgress, runLiveClient, secureRecord, serverMessage, sharedExamples, systemTimers, tableReading, taskDescription, toBase64, type FromExecutor, uploadAnswer, uploadId, uploadUrl } from "@anabranch/core/live";
import { addMasks, bestCurves, bonawitz, bytesPerClient, chooseGraph, codedParameters, completeThreshold, dequantizeMean, hiddenMedian, identityPublicKey, levels, lightsecagg, modulusBits, ownWeight, plain, platformCurves, portableCurves, protocolNames, quantize, secaggPlus, secureAggregationProtocol, secureEntropy, seededEntropy } from "@anabranch/core/secure-aggregation";
import { adamw, add, compileProgram, constant, evaluate, interpreter, loadProgram, mul, nn, reshape, square, sub, trace } from "@anabranch/engine";
import { readFile } from "node:fs/promises";
import { same } from "./same.ts";

describe("the example of", () => {
  it("upperConfidence (core/src/adapters/bandit.ts)", async () => {
    same(upperConfidence({ means: [0.5, 0.4], counts: [9, 1] }, 10, 0.5).choice, 1);
  });

  it("reward (core/src/adapters/bandit.ts)", async () => {
    same(reward({ means: [0.5], counts: [1] }, 0, 1).means, [0.75]);
  });

  it("chooseForDevice (core/src/adapters/device-choice.ts)", async () => {
    const candidates = [4, 8].map((batch) => ({ batch, rank: 2, bits: 8, memory: 10 * batch, time: batch }));
    same(chooseForDevice(candidates, { memory: 100, deadline: 5 })?.batch, 4);
  });

  it("distillation (core/src/adapters/distillation.ts)", async () => {
    const [student, teacher] = [constant([0, 0], [1, 2]), constant([100, 0], [1, 2])];
    same(evaluate(distillation(student, teacher, 1)).data, [0.6931]);
  });

  it("taughtLoss (core/src/adapters/distillation.ts)", async () => {
    const student = constant([0, 0], [1, 2]);
    const teacher = constant([100, 0], [1, 2]);
    const label = constant([0], [1], "int32");
    same(evaluate(taughtLoss(student, teacher, label, { temperature: 1, kdWeight: 0.5 })).data, [0.6931]);
  });

  it("errorNorms (core/src/adapters/hard-examples.ts)", async () => {
    same(evaluate(errorNorms(constant([0, 0], [1, 2]), constant([0], [1], "int32"))).data, [0.7071]);
  });

  it("pruneExamples (core/src/adapters/hard-examples.ts)", async () => {
    same(pruneExamples([0.1, 1.2, 0.4, 0.9], 0.5), [1, 3]);
  });

  it("instructionPrompt (core/src/adapters/instruction-prompt.ts)", async () => {
    const { text, maskedCharacters } = instructionPrompt({ instruction: "Say yes.", output: "Yes" });
    same([...text].slice(maskedCharacters).join(""), "Yes");
  });

  it("deltaOf (core/src/adapters/low-rank-update.ts)", async () => {
    const [a, b] = [matrixOf([[1, 2]]), matrixOf([[3], [4]])];
    same(rowsOf(deltaOf({ a, b, scale: 2 })), [[6, 12], [8, 16]]);
  });

  it("exactUpdate (core/src/adapters/low-rank-update.ts)", async () => {
    const update = (a: number, b: number) => ({ a: matrixOf([[a]]), b: matrixOf([[b]]), scale: 1, weight: 1 });
    same(rowsOf(exactUpdate([update(1, 2), update(3, 4)])), [[7]]);
  });

  it("matrixOf (core/src/adapters/matrix.ts)", async () => {
    same(matrixOf([[1, 2, 3], [4, 5, 6]]).columns, 3);
  });

  it("rowsOf (core/src/adapters/matrix.ts)", async () => {
    same(rowsOf(matrixOf([[1, 2]])), [[1, 2]]);
  });

  it("frobeniusDistance (core/src/adapters/matrix.ts)", async () => {
    same(frobeniusDistance(matrixOf([[1, 2]]), matrixOf([[4, 6]])), 5);
  });

  it("offsiteEmulator (core/src/adapters/offsite-emulator.ts)", async () => {
    same(offsiteEmulator(8, 1, 0.5), { adapters: [0, 7], emulator: [1, 4, 6] });
  });

  it("factored (core/src/adapters/refactored.ts)", async () => {
    const { singularValues } = factored(matrixOf([[3, 0], [0, 1]]), 1, 2);
    same(singularValues, [3]);
  });

  it("relativeLambda (core/src/adapters/residual-corrected.ts)", async () => {
    same(relativeLambda({ a: matrixOf([[2, 0], [0, 4]]) }, 0.1), 1);
  });

  it("LAMBDA (core/src/adapters/rules.ts)", async () => {
    same(LAMBDA, 0.01);
  });

  it("pairRuleNames (core/src/adapters/rules.ts)", async () => {
    same(pairRuleNames.includes("flora"), true);
  });

  it("aggregatePairs (core/src/adapters/rules.ts)", async () => {
    const update = (a: number, b: number) => ({ a: matrixOf([[a]]), b: matrixOf([[b]]), scale: 1, weight: 1 });
    const updates = [update(1, 2), update(3, 4)];
    same(rowsOf(deltaOf(aggregatePairs("fedit", updates))), [[6]]);
    same(rowsOf(deltaOf(aggregatePairs("flora", updates))), [[7]]);
  });

  it("noSensitivity (core/src/adapters/sensitivity.ts)", async () => {
    same(noSensitivity(2).mean, [0, 0]);
  });

  it("observeSensitivity (core/src/adapters/sensitivity.ts)", async () => {
    const seen = observeSensitivity(noSensitivity(1), [2], [-3], { beta1: 0.5, beta2: 0.5 });
    same([...seen.mean, ...seen.deviation], [3, 1.5]);
  });

  it("sensitivityScores (core/src/adapters/sensitivity.ts)", async () => {
    const seen = { mean: Float64Array.of(2), deviation: Float64Array.of(3) };
    same(sensitivityScores(seen), [6]);
  });

  it("tripletScores (core/src/adapters/sensitivity.ts)", async () => {
    same(tripletScores([1, 3, 5, 2, 4], { outputs: 2, inputs: 2, rank: 1 }), [10]);
  });

  it("matrixScore (core/src/adapters/sensitivity.ts)", async () => {
    same(matrixScore([0.1, 3, 2], 2), 5);
  });

  it("highestScores (core/src/adapters/sensitivity.ts)", async () => {
    same(highestScores([2, 5, 1, 5], 2), [1, 3]);
  });

  it("untried (core/src/adapters/spine-controller.ts)", async () => {
    same(untried(1, 2), [{ means: [0, 0], counts: [0, 0] }]);
  });

  it("choicesOfClients (core/src/adapters/spine-controller.ts)", async () => {
    same(choicesOfClients(untried(2, 3), 6, 0.5), [0, 0, 1, 1, 2, 2]);
  });

  it("learnedChoices (core/src/adapters/spine-controller.ts)", async () => {
    const outcomes = [{ client: 0, cell: 0, gain: 1, time: 2 }, { client: 1, cell: 1, gain: 3, time: 2 }];
    same(learnedChoices(untried(1, 2), outcomes, 1)[0]?.means, [-1, 1]);
  });

  it("splitTraffic (core/src/adapters/split-traffic.ts)", async () => {
    same(splitTraffic({ keptSamples: 2, activationFloats: 10, tailFloats: 5, promptFloats: 3 }).phase2, 320);
  });

  it("storageBits (core/src/adapters/stored-weights.ts)", async () => {
    same(storageBits, [4, 8, 32]);
  });

  it("storedBytes (core/src/adapters/stored-weights.ts)", async () => {
    same(storedBytes(128, 4), 72);
  });

  it("storedWeights (core/src/adapters/stored-weights.ts)", async () => {
    same(storedWeights(Float64Array.of(127, 30.4, -1), 8), [127, 30, -1]);
  });

  it("gradientFromFactors (core/src/adapters/structured-pruning.ts)", async () => {
    const [one, none] = [matrixOf([[1]]), matrixOf([[0]])];
    same(rowsOf(gradientFromFactors({ a: matrixOf([[2]]), b: one }, { a: none, b: matrixOf([[3]]) })), [[6]]);
  });

  it("groupImportance (core/src/adapters/structured-pruning.ts)", async () => {
    const weight = matrixOf([[1, 0], [0, 2]]);
    const none = { a: matrixOf([[0, 0]]), b: matrixOf([[0], [0]]) };
    const gradient = matrixOf([[3, 3], [1, 1]]);
    same(groupImportance(weight, none, gradient, [[0], [1]]), [9, 4]);
  });

  it("leastImportant (core/src/adapters/structured-pruning.ts)", async () => {
    same(leastImportant([5, 1, 3, 1], 0.5), [1, 3]);
  });

  it("scattered (core/src/adapters/structured-pruning.ts)", async () => {
    const update = { a: matrixOf([[1, 2]]), b: matrixOf([[3]]), rows: [1], weight: 1 };
    same(rowsOf(scattered([update], 2, 2)), [[0, 0], [3, 6]]);
  });

  it("coreFromGradient (core/src/adapters/trained-core.ts)", async () => {
    const { core } = coreFromGradient(matrixOf([[2, 3], [1, 4]]), 0.5, 1);
    same(core.data, [1]);
  });

  it("coreDelta (core/src/adapters/trained-core.ts)", async () => {
    const [a, b, core] = [matrixOf([[1, 2]]), matrixOf([[3]]), matrixOf([[2]])];
    same(rowsOf(coreDelta({ a, b, core })), [[6, 12]]);
  });

  it("meanGradientOf (core/src/adapters/trained-core.ts)", async () => {
    same(rowsOf(meanGradientOf([matrixOf([[1]]), matrixOf([[4]])], [0.75, 0.25])), [[1.75]]);
  });

  it("meanOfCores (core/src/adapters/trained-core.ts)", async () => {
    same(rowsOf(meanOfCores([matrixOf([[1]]), matrixOf([[3]])])), [[2]]);
  });

  it("twoHeadLoss (core/src/adapters/two-stage.ts)", async () => {
    const [own, shared] = [constant([0, 0], [1, 2]), constant([100, 0], [1, 2])];
    same(evaluate(twoHeadLoss({ own, shared }, constant([0], [1], "int32"), 0.5)).data, [0.3466]);
  });

  it("twoLogits (core/src/adapters/two-stage.ts)", async () => {
    const one = (value: number) => constant([value], [1, 1]);
    const own = { W1: one(2), b1: constant([1], [1]), W2: one(3), b2: constant([0], [1]) };
    const logits = twoLogits(own, { P: one(1), Q: one(5) }, one(1));
    same(evaluate(logits.own).data, [9]);
    same(evaluate(logits.shared).data, [15]);
  });

  it("trainInTwoStages (core/src/adapters/two-stage.ts)", async () => {
    const start = { own: { w: constant(0) }, shared: { w: constant(0) } };
    const loss = (own: typeof start.own, shared: typeof start.shared) => square(sub(sub(own.w, shared.w), 2));
    const { own, shared } = trainInTwoStages(start, loss, { steps: 1, learningRate: 0.25 });
    same([own.w, shared.w].map((value) => evaluate(value).data[0]), [1, -0.5]);
  });

  it("unitImportance (core/src/adapters/unit-importance.ts)", async () => {
    const [one, none] = [matrixOf([[1]]), matrixOf([[0]])];
    const moved = { weight: matrixOf([[2]]), before: { a: one, b: none }, descent: { a: none, b: one }, scale: 3 };
    same(unitImportance(1, { rows: moved }), [36]);
  });

  it("attacks (core/src/adversary/options.ts)", async () => {
    same(attacks["sign-flip"].acts, "update");
    same(attacks["sign-flip"].options.parse({}), { scale: 1, knowledge: "own" });
  });

  it("mixCritical (core/src/aggregation/critical-parameters.ts)", async () => {
    const one = layout([{ name: "w", shape: [2], role: "vector", block: "w" }]);
    const zero = Float64Array.of(0, 0);
    const trained = [Float64Array.of(2, 1), Float64Array.of(4, 1), Float64Array.of(3, 4)];
    const models = { global: zero, starts: [zero, zero, zero], trained, weights: [1, 1, 1], layout: one };
    const { nextStarts } = mixCritical({ ...models, fraction: 0.5, beta: 1, round: 0 });
    same(nextStarts, [[3, 2], [3, 2], [3, 4]]);
  });

  it("fold (core/src/aggregation/fold.ts)", async () => {
    const mean = fold("weightedMean", 2);
    mean.add(Float32Array.of(1, 0), 30);
    mean.add(Float32Array.of(5, 4), 10);
    same(mean.result(new Float64Array(2)), [2, 1]);
  });

  it("foldRange (core/src/aggregation/fold.ts)", async () => {
    const out = new Float64Array(3);
    foldRange("sum", [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)], [1, 1], 1, 3, out);
    same(out, [0, 7, 9]);
  });

  it("partialFold (core/src/aggregation/partial-fold.ts)", async () => {
    const model = layout([
      { name: "a", shape: [1], role: "vector", block: "a" },
      { name: "b", shape: [1], role: "vector", block: "b" },
    ]);
    const sums = partialFold("weightedMean", model, [subLayout(model, ({ name }) => name === "a"), model]);
    sums.addAll([Float32Array.of(1), Float32Array.of(3, 8)], [1, 1], undefined, [0, 1]);
    same(sums.result(new Float64Array(2)), [2, 8]);
  });

  it("aggregate (core/src/aggregation/robust/aggregate.ts)", async () => {
    const updates = [1, 2, 3, 4, 100].map((value) => Float32Array.of(value));
    same(aggregate({ name: "median" }, updates).aggregate, [3]);
    same(aggregate({ name: "krum", byzantine: 1 }, updates).selected, [1]);
  });

  it("aggregationPasses (core/src/aggregation/robust/aggregate.ts)", async () => {
    const rule = aggregationPasses({ name: "mean" }, 2, 1, {});
    same(runInMemory(rule, [Float32Array.of(1), Float32Array.of(3)], 1).aggregate, [2]);
  });

  it("selfCentredClipping (core/src/aggregation/robust/centred-clipping.ts)", async () => {
    const own = Float32Array.of(0);
    same(selfCentredClipping(own, [Float32Array.of(1), Float32Array.of(100)], [0.5, 0.5], 1), [1]);
  });

  it("runInMemory (core/src/aggregation/robust/passes.ts)", async () => {
    const rule = aggregationPasses({ name: "median" }, 3, 1, {});
    same(runInMemory(rule, [Float32Array.of(1), Float32Array.of(2), Float32Array.of(90)], 1).aggregate, [2]);
  });

  it("fewestUpdates (core/src/aggregation/robust/requirements.ts)", async () => {
    same(fewestUpdates({ name: "krum", byzantine: 2 }).count, 7);
  });

  it("mostByzantine (core/src/aggregation/robust/requirements.ts)", async () => {
    same(mostByzantine({ name: "krum", byzantine: 1 }, 10), 3);
  });

  it("setRules (core/src/aggregation/robust/rule.ts)", async () => {
    same(setRules.includes("krum"), true);
  });

  it("beforeStages (core/src/aggregation/robust/rule.ts)", async () => {
    same(beforeStages.includes("nnm"), true);
  });

  it("isWeighted (core/src/aggregation/robust/rule.ts)", async () => {
    same(isWeighted({ name: "mean" }), true);
  });

  it("byzantineOf (core/src/aggregation/robust/rule.ts)", async () => {
    same(byzantineOf({ name: "krum", byzantine: 2 }), 2);
  });

  it("slicedFold (core/src/aggregation/sliced-fold.ts)", async () => {
    const places = [Int32Array.of(0, 1, 2), Int32Array.of(2)];
    const mean = slicedFold("uniformMean", 3, (part) => places[part]!);
    mean.addAll([Float32Array.of(1, 2, 3), Float32Array.of(5)], [1, 1], undefined, [0, 1]);
    same(mean.result(new Float64Array(3)), [1, 2, 4]);
  });

  it("stack (core/src/aggregation/stack.ts)", async () => {
    const kept = stack(2);
    kept.addAll([Float32Array.of(1, 2), Float32Array.of(3, 4)], [1, 1], undefined, [0, 0]);
    same(kept.result(new Float64Array(4)), [1, 2, 3, 4]);
  });

  it("treeMean (core/src/aggregation/tree-fold.ts)", async () => {
    const updates = [1, 2, 6].map((value) => Float64Array.of(value));
    const { aggregate, messages } = treeMean([[0, 1], [2]], updates, [1, 2, 1]);
    same(aggregate, [2.75]);
    same(messages, 5);
  });

  it("placeUpdates (core/src/aggregation/tree-fold.ts)", async () => {
    const node = (capacity: number) => ({ capacity, arrivalRate: 0, aggregationTime: 1 });
    same(placeUpdates([node(3), node(1)], 3).placement, [1, 0, 0]);
  });

  it("planLeaves (core/src/aggregation/tree-fold.ts)", async () => {
    same(planLeaves([4, 8], 0.5, 2), [1, 3]);
  });

  it("adaptiveClusters (core/src/algorithms/adaptive-clusters.ts)", async () => {
    same(adaptiveClusters({ distance: 0.5 }).name, "adaptive-clusters");
  });

  it("asyncFedavg (core/src/algorithms/async-fedavg.ts)", async () => {
    same(asyncFedavg.definition.name, "async-fedavg");
  });

  it("autoflip (core/src/algorithms/autoflip.ts)", async () => {
    same(autoflip({ pruned: 0.6 }).options["pruned"], 0.6);
  });

  it("modelBlocks (core/src/algorithms/blocks.ts)", async () => {
    const model = layout(mlp({ input: [4], hidden: [8, 8], classes: 2 }).parameters);
    same(modelBlocks(model, 2, "fedbcgd").length, 2);
  });

  it("bristle (core/src/algorithms/bristle.ts)", async () => {
    same(bristle({ peers: 5 }).gossip, { name: "class-weighted", exploration: 0.4, peers: 5 });
  });

  it("defineMethod (core/src/algorithms/define-method.ts)", async () => {
    const halfStep = defineMethod({
      name: "half-step",
      options: z.strictObject({}),
      build: () =>
        vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
          local: localSgd(),
          update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 0.5, delta) }),
        }),
    });
    same(halfStep.definition.name, "half-step");
  });

  it("dfedavg (core/src/algorithms/dfedavg.ts)", async () => {
    same(dfedavg.definition.name, "dfedavg");
  });

  it("dfedsam (core/src/algorithms/dfedsam.ts)", async () => {
    same(dfedsam.definition.name, "dfedsam");
  });

  it("diff2BvrLSgd (core/src/algorithms/diff2-bvr-l-sgd.ts)", async () => {
    same(diff2BvrLSgd.definition.name, "diff2-bvr-l-sgd");
  });

  it("diff2 (core/src/algorithms/diff2.ts)", async () => {
    same(diff2.definition.name, "diff2");
  });

  it("diloco (core/src/algorithms/diloco.ts)", async () => {
    same(diloco.definition.name, "diloco");
  });

  it("ditto (core/src/algorithms/ditto.ts)", async () => {
    same(ditto.definition.name, "ditto");
  });

  it("dpFedavg (core/src/algorithms/dp-fedavg.ts)", async () => {
    same(dpFedavg.definition.name, "dp-fedavg");
  });

  it("dpFedavgm (core/src/algorithms/dp-fedavgm.ts)", async () => {
    same(dpFedavgm.definition.name, "dp-fedavgm");
  });

  it("dpFedlamb (core/src/algorithms/dp-fedlamb.ts)", async () => {
    same(dpFedlamb.definition.name, "dp-fedlamb");
  });

  it("dpFedpgn (core/src/algorithms/dp-fedpgn.ts)", async () => {
    same(dpFedpgn.definition.name, "dp-fedpgn");
  });

  it("dpFedsam (core/src/algorithms/dp-fedsam.ts)", async () => {
    same(dpFedsam.definition.name, "dp-fedsam");
  });

  it("fedadamw (core/src/algorithms/fedadamw.ts)", async () => {
    same(fedadamw.definition.name, "fedadamw");
  });

  it("fedamd (core/src/algorithms/fedamd.ts)", async () => {
    same(fedamd.definition.name, "fedamd");
  });

  it("fedasync (core/src/algorithms/fedasync.ts)", async () => {
    same(fedasync.definition.name, "fedasync");
  });

  it("fedau (core/src/algorithms/fedau.ts)", async () => {
    same(fedau.definition.name, "fedau");
  });

  it("fedavg (core/src/algorithms/fedavg.ts)", async () => {
    same(fedavg({ serverLearningRate: 0.5 }).options, { serverLearningRate: 0.5 });
  });

  it("fedavgm (core/src/algorithms/fedavgm.ts)", async () => {
    same(fedavgm.definition.name, "fedavgm");
  });

  it("fedbcgdPlus (core/src/algorithms/fedbcgd-plus.ts)", async () => {
    same(fedbcgdPlus.definition.name, "fedbcgd+");
  });

  it("fedbcgd (core/src/algorithms/fedbcgd.ts)", async () => {
    same(fedbcgd.definition.name, "fedbcgd");
  });

  it("fedbn (core/src/algorithms/fedbn.ts)", async () => {
    same(fedbn.definition.name, "fedbn");
  });

  it("fedbuff (core/src/algorithms/fedbuff.ts)", async () => {
    same(fedbuff.definition.name, "fedbuff");
  });

  it("fedcac (core/src/algorithms/fedcac.ts)", async () => {
    same(fedcac.definition.name, "fedcac");
  });

  it("fedcm (core/src/algorithms/fedcm.ts)", async () => {
    same(fedcm.definition.name, "fedcm");
  });

  it("fedcompass (core/src/algorithms/fedcompass.ts)", async () => {
    same(fedcompass.definition.name, "fedcompass");
  });

  it("fedconv (core/src/algorithms/fedconv.ts)", async () => {
    same(fedconv({ ratios: [1, 0.75] }).widths, { ratios: [1, 0.75], rolls: false, round: "down" });
  });

  it("fedd2s (core/src/algorithms/fedd2s.ts)", async () => {
    same(fedd2s({ dropEvery: 5 }).privateModels, true);
  });

  it("feddat (core/src/algorithms/feddat.ts)", async () => {
    same(feddat({}).personal?.layers, ["*.local.*", "head"]);
  });

  it("fedfix (core/src/algorithms/fedfix.ts)", async () => {
    same(fedfix.definition.name, "fedfix");
  });

  it("fedgh (core/src/algorithms/fedgh.ts)", async () => {
    same(fedgh({ headerPasses: 2 }).personal, { layers: ["*", "!head"] });
  });

  it("fedkseed (core/src/algorithms/fedkseed.ts)", async () => {
    same(fedkseed({ seeds: 1024 }).options["seeds"], 1024);
  });

  it("fedld (core/src/algorithms/fedld.ts)", async () => {
    same(fedld.definition.name, "fedld");
  });

  it("fedlex (core/src/algorithms/fedlex.ts)", async () => {
    same(fedlex.definition.name, "fedlex");
  });

  it("fedloge (core/src/algorithms/fedloge.ts)", async () => {
    same(fedloge.definition.name, "fedloge");
  });

  it("fedmd (core/src/algorithms/fedmd.ts)", async () => {
    same(fedmd({ distillationSteps: 3 }).wholePopulation, true);
  });

  it("fedmuon (core/src/algorithms/fedmuon.ts)", async () => {
    same(fedmuon.definition.name, "fedmuon");
  });

  it("fednsam (core/src/algorithms/fednsam.ts)", async () => {
    same(fednsam.definition.name, "fednsam");
  });

  it("fedadagrad (core/src/algorithms/fedopt.ts)", async () => {
    same(fedadagrad.definition.name, "fedadagrad");
  });

  it("fedadam (core/src/algorithms/fedopt.ts)", async () => {
    same(fedadam.definition.name, "fedadam");
  });

  it("fedyogi (core/src/algorithms/fedopt.ts)", async () => {
    same(fedyogi.definition.name, "fedyogi");
  });

  it("fedpac (core/src/algorithms/fedpac.ts)", async () => {
    same(fedpac.definition.name, "fedpac");
  });

  it("fedper (core/src/algorithms/fedper.ts)", async () => {
    same(fedper.definition.name, "fedper");
  });

  it("fedprox (core/src/algorithms/fedprox.ts)", async () => {
    same(fedprox.definition.name, "fedprox");
  });

  it("fedpub (core/src/algorithms/fedpub.ts)", async () => {
    same(fedpub({ temperature: 5 }).wholePopulation, true);
  });

  it("fedrep (core/src/algorithms/fedrep.ts)", async () => {
    same(fedrep.definition.name, "fedrep");
  });

  it("fedrolex (core/src/algorithms/fedrolex.ts)", async () => {
    same(fedrolex({ widths: [0.5] }).widths, { ratios: [0.5], rolls: true });
  });

  it("fedsam (core/src/algorithms/fedsam.ts)", async () => {
    same(fedsam.definition.name, "fedsam");
  });

  it("fedspeed (core/src/algorithms/fedspeed.ts)", async () => {
    same(fedspeed.definition.name, "fedspeed");
  });

  it("ferret (core/src/algorithms/ferret.ts)", async () => {
    same(ferret({ coordinates: 128 }).options["coordinates"], 128);
  });

  it("flasc (core/src/algorithms/flasc.ts)", async () => {
    same(flasc.definition.name, "flasc");
  });

  it("fot (core/src/algorithms/fot.ts)", async () => {
    same(fot({ protectedShare: 0.9 }).name, "fot");
  });

  it("fraug (core/src/algorithms/fraug.ts)", async () => {
    same(fraug({ horizon: 20 }).personal, { layers: ["statistics"], ifPresent: true });
  });

  it("frl (core/src/algorithms/frl.ts)", async () => {
    same(frl.definition.name, "frl");
  });

  it("ggeur (core/src/algorithms/ggeur.ts)", async () => {
    same(ggeur({ target: 200 }).frozen, ["*", "!head"]);
  });

  it("heterofl (core/src/algorithms/heterofl.ts)", async () => {
    same(heterofl({ widths: [1, 0.5] }).widths, { ratios: [1, 0.5], rolls: false });
  });

  it("hidenseek (core/src/algorithms/hidenseek.ts)", async () => {
    same(hidenseek({ keep: 0.3 }).options["keep"], 0.3);
  });

  it("hyperfl (core/src/algorithms/hyperfl.ts)", async () => {
    same(hyperfl({ embedding: 8, hidden: 16 }).personal?.drawn, ["client.embedding"]);
  });

  it("ifca (core/src/algorithms/ifca.ts)", async () => {
    same(ifca({ clusters: 3 }).clusters?.count, 3);
  });

  it("knfu (core/src/algorithms/knfu.ts)", async () => {
    same(knfu({ sharpness: 2 }).usesPublicExamples, true);
  });

  it("lgFedavg (core/src/algorithms/lg-fedavg.ts)", async () => {
    same(lgFedavg.definition.name, "lg-fedavg");
  });

  it("localSgd (core/src/algorithms/local-sgd.ts)", async () => {
    // the client half of FedProx: pull towards the broadcast model with strength 0.1
    const half = localSgd({
      direction: (gradients, y, { broadcast }) =>
        combine((g, pull) => add(g, mul(0.1, pull)), gradients, combine(sub, y, broadcast.parameters)),
    });
    same(typeof half.step, "function");
  });

  it("modelDelta (core/src/algorithms/local-sgd.ts)", async () => {
    // clients send twice the change of their model
    const twice = vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } }).method({
      local: localSgd({
        result: (y, local) => ({ update: { delta: combine((d) => mul(2, d), modelDelta(y, local)) }, state: {} }),
      }),
      update: ({ parameters }, { delta }) => ({ parameters: stepFrom(parameters, 1, delta) }),
    });
    const method = defineMethod({ name: "twice", options: z.strictObject({}), build: () => twice });
    const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.25, localSteps: 1, cohorts: [[0]] };
    same((await traceFederation(method({}), problem)).rounds, [[1]]);
  });

  it("local (core/src/algorithms/local.ts)", async () => {
    same(local.definition.name, "local");
  });

  it("buildMethod (core/src/algorithms/method-options.ts)", async () => {
    same(buildMethod(fedavg.definition, { serverLearningRate: 0.5 }).options, { serverLearningRate: 0.5 });
  });

  it("vectors (core/src/algorithms/method.ts)", async () => {
    const declared = vectors({ server: { parameters: MODEL }, upload: { delta: weightedMean(MODEL) } });
    same(typeof declared.method, "function");
  });

  it("modest (core/src/algorithms/modest.ts)", async () => {
    same(modest({ aggregators: 3 }).sampling?.aggregators, 3);
  });

  it("mofedsam (core/src/algorithms/mofedsam.ts)", async () => {
    same(mofedsam.definition.name, "mofedsam");
  });

  it("monna (core/src/algorithms/monna.ts)", async () => {
    same(monna.definition.name, "monna");
  });

  it("ocfl (core/src/algorithms/ocfl.ts)", async () => {
    same(ocfl({ clusters: 3 }).wholePopulation, true);
  });

  it("onebyte (core/src/algorithms/onebyte.ts)", async () => {
    same(onebyte({ quantize: false }).options["quantize"], false);
  });

  it("optimizerSteps (core/src/algorithms/optimizer-steps.ts)", async () => {
    const half = optimizerSteps({
      optimizer: (_model, settings) => adamw(settings),
      result: (parameters, _preconditioner, local) => {
        return { update: { delta: modelDelta(parameters, local) }, state: {} };
      },
    });
    same(typeof half.step, "function");
  });

  it("combine (core/src/algorithms/parameter-tensors.ts)", async () => {
    const sums = combine(add, { w: constant([1, 2], [2]) }, { w: constant([3, 4], [2]) });
    same(evaluate(sums["w"]!).data, [4, 6]);
  });

  it("partialfed (core/src/algorithms/partialfed.ts)", async () => {
    same(partialfed({ keeps: [["head"], []] }).options, { keeps: [["head"], []] });
  });

  it("perfedavg (core/src/algorithms/perfedavg.ts)", async () => {
    same(perfedavg.definition.name, "perfedavg");
  });

  it("pfedlora (core/src/algorithms/pfedlora.ts)", async () => {
    same(pfedlora({ rank: 4 }).personal?.layers, ["*", "!adapter.*"]);
  });

  it("pfedme (core/src/algorithms/pfedme.ts)", async () => {
    same(pfedme.definition.name, "pfedme");
  });

  it("algorithms (core/src/algorithms/registry.ts)", async () => {
    same(algorithms.map(({ name }) => name).includes("scaffold"), true);
  });

  it("createAlgorithm (core/src/algorithms/registry.ts)", async () => {
    const scaffold = createAlgorithm("scaffold", { serverLearningRate: 1 });
    same(scaffold.name, "scaffold");
  });

  it("unknownMethod (core/src/algorithms/registry.ts)", async () => {
    same(unknownMethod("FedIT").failure.advice, 'FedIT is not a method. It is available as: adapters.rule = "fedit".');
  });

  it("rerce (core/src/algorithms/rerce.ts)", async () => {
    same(rerce.definition.name, "rerce");
  });

  it("rffl (core/src/algorithms/rffl.ts)", async () => {
    same(rffl.definition.name, "rffl");
  });

  it("scaffold (core/src/algorithms/scaffold.ts)", async () => {
    same(scaffold.definition.name, "scaffold");
  });

  it("scclip (core/src/algorithms/scclip.ts)", async () => {
    same(scclip.definition.name, "scclip");
  });

  it("combineVectors (core/src/algorithms/server.ts)", async () => {
    same(combineVectors((a, b) => a - b, Float32Array.of(3, 4), Float32Array.of(1, 1)), [2, 3]);
  });

  it("stepFrom (core/src/algorithms/server.ts)", async () => {
    same(stepFrom(Float32Array.of(1, 2), 0.5, Float32Array.of(2, 2)), [2, 3]);
  });

  it("heavyBall (core/src/algorithms/server.ts)", async () => {
    const server = { parameters: Float32Array.of(1), momentum: Float32Array.of(2) };
    same(heavyBall(server, Float32Array.of(1), 0.5, 0.1), { parameters: [1.2], momentum: [2] });
  });

  it("nesterov (core/src/algorithms/server.ts)", async () => {
    const server = { parameters: Float32Array.of(1), momentum: Float32Array.of(2) };
    same(nesterov(server, Float32Array.of(1), 0.5, 0.1), { parameters: [1.2], momentum: [2] });
  });

  it("meanGradient (core/src/algorithms/server.ts)", async () => {
    const round = { round: 1, cohortSize: 1, population: 1, learningRate: 0.5, localSteps: 4, weightedSteps: 4 };
    same(meanGradient(Float32Array.of(-2), { ...round, layout: layout([]), meanFactor: 1 }), [1]);
  });

  it("sfprompt (core/src/algorithms/sfprompt.ts)", async () => {
    same(sfprompt({ drop: 0.5 }).splitTraining?.drop, 0.5);
  });

  it("MODEL (core/src/algorithms/shapes.ts)", async () => {
    same(MODEL, { kind: "model" });
  });

  it("SCALAR (core/src/algorithms/shapes.ts)", async () => {
    same(SCALAR, { kind: "scalar" });
  });

  it("ownLayout (core/src/algorithms/shapes.ts)", async () => {
    const halves = ownLayout((model) => subLayout(model, ({ role }) => role === "matrix"));
    same(halves.kind, "own");
  });

  it("weightedMean (core/src/algorithms/shapes.ts)", async () => {
    same(weightedMean(MODEL).aggregation, "weightedMean");
  });

  it("uniformMean (core/src/algorithms/shapes.ts)", async () => {
    same(uniformMean(MODEL).aggregation, "uniformMean");
  });

  it("sum (core/src/algorithms/shapes.ts)", async () => {
    same(sum(SCALAR).aggregation, "sum");
  });

  it("singleMerging (core/src/algorithms/single-merging.ts)", async () => {
    same(singleMerging.definition.name, "single-merging");
  });

  it("sketching (core/src/algorithms/sketching.ts)", async () => {
    same(sketching.definition.name, "sketching");
  });

  it("streamingDiloco (core/src/algorithms/streaming-diloco.ts)", async () => {
    same(streamingDiloco.definition.name, "streaming-diloco");
  });

  it("vcgossip (core/src/algorithms/vcgossip.ts)", async () => {
    same(vcgossip.definition.name, "vcgossip");
  });

  it("adviceFor (core/src/audit/advice.ts)", async () => {
    const protocol = { localSteps: 1, batchSize: 1, examples: 1 };
    const defences = { isMasked: false, isNoised: false, hasServerNoise: false, isCompressed: false };
    same(adviceFor(mlp(), { ...protocol, ...defences }).some(({ kind }) => kind === "risk"), true);
  });

  it("inputOfLayer (core/src/audit/analytic.ts)", async () => {
    same(inputOfLayer({ weights: [[2, 4], [1, 2]], bias: [2, 1] }), [1, 2]);
  });

  it("inputsByRow (core/src/audit/analytic.ts)", async () => {
    same(inputsByRow({ weights: [[2, 4], [0, 0], [3, 3]], bias: [2, 0, 3] }), [[1, 1], [1, 2]]);
  });

  it("inputsByBin (core/src/audit/analytic.ts)", async () => {
    same(inputsByBin({ weights: [[3, 5], [1, 2]], bias: [2, 1] }), [{ bin: 0, x: [2, 3] }, { bin: 1, x: [1, 2] }]);
  });

  it("auditAttacks (core/src/audit/audit-attacks.ts)", async () => {
    same(auditAttacks.includes("ig"), true);
  });

  it("usualAttacks (core/src/audit/audit-attacks.ts)", async () => {
    const { prepared } = smallRun({ name: "fedavg" });
    const { sum } = await observeRound(prepared, { round: 1 }, { executor: interpreter() });
    same(usualAttacks(sum, prepared.model), ["labels", "fc", "ig"]);
  });

  it("attackObservation (core/src/audit/audit-attacks.ts)", async () => {
    const training = { batchSize: 1, localSteps: 1, learningRate: 0.1 };
    const { prepared } = smallRun({ name: "fedavg" }, { training });
    const { update } = await observeRound(prepared, { round: 1 }, { executor: interpreter() });
    const scale = rangeScale(update!.truth.features);
    const { labelAccuracy } = await attackObservation("labels", update!, prepared.model, scale, interpreter());
    same(labelAccuracy, 1);
  });

  it("hasParallelRows (core/src/audit/broadcast-guard.ts)", async () => {
    same(hasParallelRows([[1, 2], [3, 1], [-2, -4]]), true);
  });

  it("isBiasLadder (core/src/audit/broadcast-guard.ts)", async () => {
    same(isBiasLadder([-0.1, -0.2, -0.3]), true);
    same(isBiasLadder([-0.1, -0.2, -0.4]), false);
  });

  it("suspectLayers (core/src/audit/broadcast-guard.ts)", async () => {
    const of = layout(mlp({ input: [30], inputType: "float", hidden: [4], classes: 2 }).parameters);
    const parameters = new Float64Array(of.size).fill(1);
    same(suspectLayers(parameters, of), [{ block: "dense1", parallelRows: true, biasLadder: false }]);
  });

  it("requireHonestLayers (core/src/audit/broadcast-guard.ts)", async () => {
    const model = mlp({ input: [30], inputType: "float", hidden: [4], classes: 2 });
    const parameters = initialParameters(model.parameters, rootKey(1));
    requireHonestLayers(parameters, layout(model.parameters)); // throws client/malicious-layer for parallel rows
  });

  it("broadcastCosine (core/src/audit/broadcast-guard.ts)", async () => {
    same(broadcastCosine([1, 0], [3, 0]), 1);
  });

  it("normOf (core/src/audit/broadcast-guard.ts)", async () => {
    same(normOf([3, 4]), 5);
  });

  it("deepLeakage (core/src/audit/deep-leakage.ts)", async () => {
    const model = logistic({ input: [2], inputType: "float", classes: 2 });
    // the gradient of the example (1, 2) with label 0
    const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
    const found = await deepLeakage(model, received, { examples: 1, labels: [0] }, interpreter());
    same(found.examples[0]!.map(Math.round), [1, 2]);
  });

  it("pruneSmallest (core/src/audit/defences.ts)", async () => {
    const of = layout([{ name: "w", shape: [4], role: "vector", block: "w" }]);
    const update = Float64Array.of(3, -1, 2, 1);
    pruneSmallest(update, of, 0.5);
    same(update, [3, 0, 2, 0]);
  });

  it("revealingFeatures (core/src/audit/defences.ts)", async () => {
    same(revealingFeatures([1, 2, 1], [[3, 4], [1, 0], [0, 2]], 0.34), [1]);
  });

  it("zeroFeatures (core/src/audit/defences.ts)", async () => {
    const gradient = [Float64Array.of(1, 2), Float64Array.of(3, 4)];
    zeroFeatures(gradient, [1]);
    same(gradient.map((row) => row[1]), [0, 0]);
  });

  it("searchGenerator (core/src/audit/generator-search.ts)", async () => {
    const model = logistic({ input: [2], inputType: "float", classes: 2 });
    // the gradient of the example (1, 2) with label 0
    const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
    const double = { shape: [2], apply: (_: object, h: Parameters<typeof mul>[0]) => mul(h, 2) };
    const generator = { layout: layout([]), parameters: new Float64Array(0), stages: [double] };
    const start = Float64Array.of(1, 1);
    const settings = { examples: 1, labels: [0], iterations: 50, start };
    const { loss } = await searchGenerator(model, received, generator, settings, interpreter());
    same(loss < 0.2, true);
  });

  it("trainGenerator (core/src/audit/generator-training.ts)", async () => {
    const pixels = [0, 1].map((value) => Float64Array.of(value, value));
    const scale = { factor: Float64Array.of(1, 1), offset: Float64Array.of(0, 0) };
    const sizes = { latent: 1, hidden: 2, steps: 1 };
    const generator = await trainGenerator(pixels, [2], scale, interpreter(), sizes);
    same(generator.stages.length, 2);
  });

  it("openMatch (core/src/audit/gradient-match.ts)", async () => {
    const model = logistic({ input: [2], inputType: "float", classes: 2 });
    const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
    const settings = { examples: 1, distance: "squared", labels: "given" } as const;
    const match = await openMatch(model, received, settings, interpreter());
    const { loss } = await match.at(Float64Array.of(1, 2), Float64Array.of(1, 0));
    same(loss, 0);
  });

  it("matchExamples (core/src/audit/image-quality.ts)", async () => {
    const { assignment, psnr } = matchExamples([[0, 0], [1, 1]], [[0.9, 0.9], [0.1, 0.1]]);
    same(assignment, [1, 0]);
    same(Math.round(psnr[0]!), 20);
  });

  it("psnrOf (core/src/audit/image-quality.ts)", async () => {
    same(psnrOf(0.01), 20);
  });

  it("trainInversionNetwork (core/src/audit/inversion-network.ts)", async () => {
    const model = logistic({ input: [1], inputType: "float", classes: 2 });
    const inputs = [0, 1].map((value) => Float64Array.of(value));
    const known = { inputs, pixels: inputs, labels: [0, 1] };
    const sizes = { sketch: 4, hidden: 4, steps: 1 };
    const network = await trainInversionNetwork(model, new Float64Array(4), known, interpreter(), sizes);
    same((await network.invert(Float64Array.of(0.5, -0.5, 0.5, -0.5))).length, 1);
    await network.release();
  });

  it("invertGradients (core/src/audit/inverting-gradients.ts)", async () => {
    const model = logistic({ input: [2], inputType: "float", classes: 2 });
    // the gradient of the example (1, 2) with label 0
    const received = { parameters: new Float64Array(6), gradient: Float64Array.of(-0.5, 0.5, -0.5, 0.5, -1, 1) };
    const box = { low: [0], high: [2] };
    const { loss } = await invertGradients(model, received, { examples: 1, labels: [0], box }, interpreter());
    same(loss < 1e-2, true);
  });

  it("projectToBall (core/src/audit/l1-ball.ts)", async () => {
    same(projectToBall([3, -1], 2), [2, 0]);
  });

  it("labelFromBias (core/src/audit/label-recovery.ts)", async () => {
    same(labelFromBias([0.2, -0.7, 0.5]), 1);
  });

  it("labelFromWeights (core/src/audit/label-recovery.ts)", async () => {
    same(labelFromWeights([[0.2, 0.1], [-0.7, -0.4]]), 1);
  });

  it("labelsPresent (core/src/audit/label-recovery.ts)", async () => {
    same(labelsPresent([-0.2, 0.6, -0.4]), [0, 2]);
  });

  it("labelsBySmallestEntry (core/src/audit/label-recovery.ts)", async () => {
    same(labelsBySmallestEntry([[-0.1, 0.3], [0.2, 0.1], [-0.5, 0]], 2), [0, 2]);
  });

  it("labelsWithRepeats (core/src/audit/label-recovery.ts)", async () => {
    same(labelsWithRepeats([-0.2, 0.9, -0.7], 3), [0, 2, 2]);
  });

  it("labelAccuracy (core/src/audit/label-recovery.ts)", async () => {
    same(labelAccuracy([3, 3, 5, 7], [3, 5, 5, 7]), 0.75);
  });

  it("lbfgs (core/src/audit/lbfgs.ts)", async () => {
    const bowl = async (p: Float64Array) => ({ loss: (p[0]! - 3) ** 2, gradient: [2 * (p[0]! - 3)] });
    const { point } = await lbfgs(bowl, Float64Array.of(0), { iterations: 20 });
    same(Math.round(point[0]!), 3);
  });

  it("nonSmoothParts (core/src/audit/model-view.ts)", async () => {
    same(nonSmoothParts(mlp({ input: [4], hidden: [3], classes: 2 })), ["relu"]);
    same(nonSmoothParts(mlp({ input: [4], hidden: [3], classes: 2, activation: "sigmoid" })), []);
  });

  it("observeRound (core/src/audit/observe.ts)", async () => {
    const { prepared } = smallRun({ name: "fedavg" });
    const { update, sum } = await observeRound(prepared, { round: 1 }, { executor: interpreter() });
    same(update?.clients.length, 1);
    same(sum.clients.length, 3);
  });

  it("pixelScale (core/src/audit/pixels.ts)", async () => {
    const model = logistic({ input: [1, 1, 1], classes: 2 });
    const example = { dtype: "uint8", shape: [1, 1, 1, 1], data: Uint8Array.of(200) } as const;
    const [weights, scaling] = [Float64Array.of(0, 0, 1, -1), { mean: 0.5, std: 0.5 }];
    const { factor, offset } = await pixelScale(model, weights, example, scaling, interpreter());
    same([...factor, ...offset], [2, -1]);
  });

  it("rangeScale (core/src/audit/pixels.ts)", async () => {
    same(rangeScale({ dtype: "float", shape: [2, 1], data: Float32Array.of(-1, 3) }), { factor: [4], offset: [-1] });
  });

  it("truePixels (core/src/audit/pixels.ts)", async () => {
    const features = { dtype: "float", shape: [3, 1], data: Float32Array.of(-1, 1, 3) } as const;
    same(truePixels(features, rangeScale(features)), [[0], [0.5], [1]]);
  });

  it("trueInputs (core/src/audit/pixels.ts)", async () => {
    const scale = { factor: Float64Array.of(4), offset: Float64Array.of(-1) };
    same(trueInputs([Float64Array.of(0.5)], scale), [[1]]);
  });

  it("structuralSimilarity (core/src/audit/structural-similarity.ts)", async () => {
    const image = Float64Array.from({ length: 144 }, (_, i) => (i % 5) / 5);
    same(structuralSimilarity(image, image, 12, 12), 1);
  });

  it("surrogateRound (core/src/blackbox/fzoos.ts)", async () => {
    const functions = [0.2, 0.6].map((b) => (x: Float64Array) => (x[0]! - b) ** 2);
    const features = drawFeatures(1, 50, 1, randomStream(rootKey(1)));
    const settings = { localSteps: 5, learningRate: 0.05, lengthScale: 1, jitter: 1e-6, ridge: 1e-6 };
    const points = [0, 1].map((x) => Float64Array.of(x));
    const history = functions.map((f) => ({ points, values: points.map(f) }));
    const { x } = surrogateRound(functions, features, settings, { x: Float64Array.of(0.9), history });
    same(x[0]! < 0.9, true);
  });

  it("processGradient (core/src/blackbox/gaussian-process.ts)", async () => {
    const points = [0, 1, 2].map((x) => Float64Array.of(x));
    const options = { lengthScale: 2, jitter: 1e-6 };
    same(processGradient({ points, values: [0, 2, 4] }, options, Float64Array.of(1)), [2.4244]);
  });

  it("drawFeatures (core/src/blackbox/random-features.ts)", async () => {
    const { frequencies, phases } = drawFeatures(2, 8, 1, randomStream(rootKey(1)));
    same([frequencies.length, phases.length], [2, 8]);
  });

  it("fitFeatures (core/src/blackbox/random-features.ts)", async () => {
    const features = drawFeatures(1, 32, 1, randomStream(rootKey(1)));
    const points = [0, 1].map((x) => Float64Array.of(x));
    const weights = fitFeatures(features, { points, values: [3, 5] }, 1e-6);
    same(points.map((x) => Math.round(featureValue(features, weights, x))), [3, 5]);
  });

  it("featureValue (core/src/blackbox/random-features.ts)", async () => {
    const features = { frequencies: [[1, 2]], phases: [0, 0] };
    same(featureValue(features, [3, 4], Float64Array.of(0)), 7);
  });

  it("featureGradient (core/src/blackbox/random-features.ts)", async () => {
    const features = { frequencies: [[1, 2]], phases: [0, 0] };
    same(featureGradient(features, [3, 4], Float64Array.of(0.5)), [-8.17]);
  });

  it("stepCount (core/src/client/batches.ts)", async () => {
    same(stepCount(45, 20, { localEpochs: 2 }), 6);
  });

  it("planBatches (core/src/client/batches.ts)", async () => {
    const { steps, indices } = planBatches(3, 2, { localEpochs: 1 }, rootKey(1));
    same(steps, 2);
    same(indices.length, 4);
  });

  it("openDataSource (core/src/client/data-source.ts)", async () => {
    const { train } = smallRun({ name: "fedavg" }).prepared.simulation;
    const source = openDataSource(train);
    same(source.load(0).features.shape, [12, 2]);
  });

  it("evaluationRanges (core/src/client/data-source.ts)", async () => {
    const { train } = smallRun({ name: "fedavg" }).prepared.simulation; // four clients of 12 examples
    same(evaluationRanges(train, 24), [[0, 2], [2, 4]]);
  });

  it("describeFailure (core/src/client/describe-failure.ts)", async () => {
    same(describeFailure(new AnabranchError({ code: "data/empty", message: "no examples" })).code, "data/empty");
  });

  it("evaluateRange (core/src/client/evaluate.ts)", async () => {
    const { plan, simulation } = smallRun({ name: "fedavg" }).prepared;
    const { evaluation, train } = simulation;
    const executable = await interpreter().load(evaluation.program);
    const sums = await evaluateRange(evaluation, executable, plan.initial, openDataSource(train), [0, 2]);
    same(sums.map(({ examples }) => examples), [12, 12]);
  });

  it("compileEvaluation (core/src/client/evaluation-task.ts)", async () => {
    const model = logistic({ input: [2], inputType: "float", classes: 2 });
    const { outputs } = compileEvaluation(model, layout(model.parameters), 8);
    same(outputs.map(({ name }) => name), ["losses", "scores"]);
  });

  it("compileLocalTask (core/src/client/local-task.ts)", async () => {
    const model = logistic({ input: [2], inputType: "float", classes: 2 });
    const payloads = fedavg().payloads(layout(model.parameters), { localSteps: 3 });
    const settings = { batchSize: 4, gradientClip: 0, momentum: 0, nesterov: false, weightDecay: 0 };
    same(compileLocalTask(fedavg(), model, payloads, settings).gradientsPerStep, 1);
  });

  it("runClient (core/src/client/run-client.ts)", async () => {
    const { plan, simulation } = smallRun({ name: "fedavg" }).prepared;
    const executable = await loadProgram(interpreter(), simulation.task.program);
    const broadcast = { round: 1, vectors: { parameters: plan.initial }, scalars: {} };
    const keys = taskKeys(rootKey(1), TASK_KEYS, 1)(0, 0);
    const data = openDataSource(simulation.train).load(0);
    const task = { client: 0, learningRate: 0.1, keys, broadcast, data, state: undefined };
    same((await runClient(simulation.task, executable, task)).update.public.examples, 12);
  });

  it("exchangedBytes (core/src/client/split-exchange.ts)", async () => {
    const exchange = { activation: [6, 4], split: { drop: 0 }, batchSize: 8 };
    const [one, two] = [1, 2].map((steps) => exchangedBytes(exchange, { examples: 8, steps }, "float32"));
    same(two!.bytesUp === 2 * one!.bytesUp && one!.bytesUp > 2 * 8 * 6 * 4 * 4, true);
  });

  it("splitServer (core/src/client/split-session.ts)", async () => {
    const model = vit({ input: [1, 4, 4], patch: 2, width: 4, heads: 1, depth: 3, classes: 2 });
    const of = (shape: readonly number[]) => ({ dtype: "float", shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) }) as const;
    const parameters = Object.fromEntries(layout(model.parameters).entries.map(({ name, shape }) => [name, of(shape)]));
    const session = { headBlocks: 1, tailBlocks: 1, rows: 2, trained: ["head.bias"] };
    const { answer } = await splitServer(model, session, parameters, interpreter());
    same(await answer(Uint8Array.of(1)).catch(({ failure }) => failure.code), "safetensors/truncated");
  });

  it("splitClient (core/src/client/split-session.ts)", async () => {
    const model = vit({ input: [1, 4, 4], inputType: "float", patch: 2, width: 4, heads: 1, depth: 3, classes: 2 });
    const of = (shape: readonly number[]) => ({ dtype: "float", shape, data: new Float64Array(shape.reduce((a, b) => a * b, 1)) }) as const;
    const parameters = Object.fromEntries(layout(model.parameters).entries.map(({ name, shape }) => [name, of(shape)]));
    const session = { headBlocks: 1, tailBlocks: 1, rows: 2, trained: ["head.bias"] };
    const { answer } = await splitServer(model, session, parameters, interpreter());
    const { step } = await splitClient(model, session, parameters, interpreter());
    const labels = { dtype: "uint8", shape: [2], data: Uint8Array.of(0, 0) } as const;
    const batch = { features: of([2, 1, 4, 4]), labels, weights: { ...of([2]), data: Float64Array.of(0.5, 0.5) } };
    const { gradients } = await step({ ...batch, round: 1, client: 0, step: 0 }, answer);
    same(gradients["head.bias"]?.data, [-0.5, 0.5]);
  });

  it("parseDeviceTrace (core/src/clock/device-trace.ts)", async () => {
    const { devices, period } = parseDeviceTrace("device,from,until,seconds\n0,0,3600,2.5\n", "devices.csv");
    same(devices, [[{ from: 0, until: 3600, seconds: 2.5 }]]);
    same(period, 3600);
  });

  it("VirtualClock (core/src/clock/virtual-clock.ts)", async () => {
    const clock = new VirtualClock<string>();
    clock.expect("slow client", 2_000_000);
    clock.expect("fast client", 500_000);
    same(clock.next(), { kind: "arrival", at: 500000, work: "fast client" });
    same(clock.now, 500000);
  });

  it("adaptiveSplit (core/src/clustering/adaptive-split.ts)", async () => {
    const updates = [1, 1, -1, -1].map((x) => Float64Array.of(x));
    same(adaptiveSplit(updates, { distance: 0.5, minimumClients: 2 })?.children, [[0, 1], [2, 3]]);
  });

  it("reptileStep (core/src/clustering/adaptive-split.ts)", async () => {
    same([0, 9].map((round) => reptileStep(round, 10)), [1, 0.1]);
  });

  it("assign (core/src/clustering/assignment.ts)", async () => {
    same(assign([[4, 1], [2, 8]]), [1, 0]);
  });

  it("cosineDistances (core/src/clustering/distances.ts)", async () => {
    same(Array.from(cosineDistances([Float64Array.of(1, 0), Float64Array.of(-2, 0)]).values), [0, 2, 2, 0]);
  });

  it("distancesAmong (core/src/clustering/distances.ts)", async () => {
    const distances = cosineDistances([[1, 0], [0, 1], [1, 0]].map((one) => Float32Array.from(one)));
    same(distancesAmong(distances, [0, 2]).values, [0, 0, 0, 0]);
  });

  it("meanPairDistance (core/src/clustering/distances.ts)", async () => {
    const distances = cosineDistances([[1, 0], [0, 1], [1, 0]].map((one) => Float32Array.from(one)));
    same(meanPairDistance(distances, [[0, 1], [2]]), 1);
  });

  it("averageLinkage (core/src/clustering/linkage.ts)", async () => {
    const values = Float64Array.of(0, 1, 4, 1, 0, 6, 4, 6, 0);
    same(averageLinkage({ count: 3, values }).map(({ height }) => height), [1, 5]);
  });

  it("cutToClusters (core/src/clustering/linkage.ts)", async () => {
    const values = Float64Array.of(0, 4, 1, 4, 0, 6, 1, 6, 0);
    same(cutToClusters(averageLinkage({ count: 3, values }), 2), [0, 1, 0]);
  });

  it("numbered (core/src/clustering/linkage.ts)", async () => {
    same(numbered([7, 3, 7]), [0, 1, 0]);
  });

  it("mixed (core/src/clustering/mixing-rule.ts)", async () => {
    const models = [Float64Array.of(1), Float64Array.of(3)];
    same(mixed(models, [{ nodes: [0, 1], weights: [0.5, 0.5] }]).data, [2]);
  });

  it("normalisedRows (core/src/clustering/mixing-rule.ts)", async () => {
    same(normalisedRows([[1, 3]])[0]?.weights, [0.25, 0.75]);
  });

  it("clusteringTemperature (core/src/clustering/one-shot.ts)", async () => {
    same(clusteringTemperature(cosineDistances([Float64Array.of(1, 0), Float64Array.of(0, 1)])), 0.5);
  });

  it("oneShotClusters (core/src/clustering/one-shot.ts)", async () => {
    const updates = [[1, 0], [0, 1], [1, 0]].map((one) => Float64Array.from(one));
    same(oneShotClusters(updates, 0.2, 2).assignment, [0, 1, 0]);
  });

  it("functionalSimilarity (core/src/clustering/similarity.ts)", async () => {
    same(functionalSimilarity([Float64Array.of(1), Float64Array.of(2)], 10), [[0.5, 0.5], [0.5, 0.5]]);
  });

  it("fusionWeights (core/src/clustering/similarity.ts)", async () => {
    same(fusionWeights([[0, 1], [1, 0]], Number.POSITIVE_INFINITY), [[1, 0], [0, 1]]);
  });

  it("encodeVector (core/src/codecs/codec.ts)", async () => {
    const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
    const spec = { name: "truncated-svd", share: 0.25 } as const;
    same(encodeVector(spec, model, new Float32Array(64).fill(1)).length < 64, true);
  });

  it("decodeVector (core/src/codecs/codec.ts)", async () => {
    const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
    const spec = { name: "truncated-svd", energy: 0.99 } as const;
    const sent = encodeVector(spec, model, new Float32Array(64).fill(1));
    same(decodeVector(spec, model, sent).subarray(0, 3), [1, 1, 1]);
  });

  it("encodingFault (core/src/codecs/codec.ts)", async () => {
    const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
    const spec = { name: "truncated-svd", energy: 0.99 } as const;
    same(encodingFault(spec, model, encodeVector(spec, model, new Float32Array(64).fill(1))), undefined);
  });

  it("largestEncoding (core/src/codecs/codec.ts)", async () => {
    const model = layout([{ name: "w", shape: [8, 8], role: "matrix", block: "w" }]);
    same(largestEncoding({ name: "truncated-svd", energy: 0.99 }, model) >= 64, true);
  });

  it("isBursty (core/src/coding/bursty.ts)", async () => {
    same(isBursty([[0, 1], [], [2]], { burst: 1, window: 2, most: 2 }), true);
  });

  it("fractionalCode (core/src/coding/gradient-code.ts)", async () => {
    same(fractionalCode(6, 1).workers, 6);
  });

  it("cyclicCode (core/src/coding/gradient-code.ts)", async () => {
    const { code } = cyclicCode(3, 1, seedMatrix(3, 1, rootKey(1)));
    same(Array.from(code, (entry) => (entry === 0 ? 0 : 1)), [1, 1, 0, 0, 1, 1, 1, 0, 1]);
  });

  it("seedMatrix (core/src/coding/gradient-code.ts)", async () => {
    same(seedMatrix(4, 1, rootKey(1)).length, 1);
  });

  it("encodeGradients (core/src/coding/gradient-code.ts)", async () => {
    same(encodeGradients(fractionalCode(2, 1), [[1, 2], [3, 4]]), [[4, 6], [4, 6]]);
  });

  it("decodingFactors (core/src/coding/gradient-code.ts)", async () => {
    same(decodingFactors(fractionalCode(4, 1), [0, 3]), [1, 1]);
  });

  it("decodeGradient (core/src/coding/gradient-code.ts)", async () => {
    const code = fractionalCode(2, 1);
    const [, second] = encodeGradients(code, [[1, 2], [3, 4]]);
    same(decodeGradient(code, [1], [second!]), [4, 6]);
  });

  it("Multiplexed (core/src/coding/multiplexed.ts)", async () => {
    const scheme = new Multiplexed({ workers: 4, burst: 2, window: 3, most: 1, jobs: 3 });
    for (let round = 1; round <= scheme.rounds; round++) scheme.endRound(new Set(round === 2 ? [1] : []));
    same(scheme.finished, [4, 5, 6]);
  });

  it("SelectiveRepeat (core/src/coding/selective-repeat.ts)", async () => {
    const scheme = new SelectiveRepeat({ workers: 6, burst: 2, window: 3, most: 3, jobs: 2 });
    for (const late of [[0, 1, 2], [], []]) scheme.endRound(new Set(late));
    same(scheme.finished, [3, 2]);
  });

  it("compressorOf (core/src/compression/chain.ts)", async () => {
    const chain = compressorOf([{ name: "top-k", density: 0.01 }, { name: "nf4", block: 64 }]);
    same(chain.traits.contractive, true);
  });

  it("measureCompression (core/src/compression/measure.ts)", async () => {
    const model = layout([{ name: "w", shape: [4], role: "vector", block: "w" }]);
    const settings = { up: [{ name: "top-k", density: 0.25 } as const], scope: "model" } as const;
    same(measureCompression(settings, model, Float32Array.of(4, 0, -3, 0), rootKey(1)).relativeError, 0.6);
  });

  it("parseLink (core/src/compression/parse-link.ts)", async () => {
    same(parseLink("top-k density=0.01"), { name: "top-k", density: 0.01 });
  });

  it("writeLink (core/src/compression/parse-link.ts)", async () => {
    same(writeLink({ name: "nf4", block: 64 }), "nf4 block=64");
  });

  it("encodePayload (core/src/compression/payload.ts)", async () => {
    const model = layout([{ name: "w", shape: [8], role: "vector", block: "w" }]);
    const settings = { up: [{ name: "sign" } as const], scope: "model" } as const;
    same(encodePayload(settings, model, new Float32Array(8).fill(0.5), rootKey(1)).length, 5);
  });

  it("decodePayload (core/src/compression/payload.ts)", async () => {
    const model = layout([{ name: "w", shape: [2], role: "vector", block: "w" }]);
    const settings = { up: [{ name: "sign" } as const], scope: "model" } as const;
    const bytes = encodePayload(settings, model, Float32Array.of(0.5, -0.5), rootKey(1));
    same(decodePayload(settings, model, bytes, (length) => new Float32Array(length)), [0.5, -0.5]);
  });

  it("configFields (core/src/config/fields.ts)", async () => {
    same(configFields.find(({ path }) => path.join(".") === "sampler.cohort")!.defaultValue, 10);
  });

  it("minimalToml (core/src/config/minimal.ts)", async () => {
    same(minimalToml("rounds = 3\n[training]\nmomentum = 0 # off\n", "a.toml"), "rounds = 3\n");
  });

  it("modelSection (core/src/config/model-section.ts)", async () => {
    const { model } = resolveConfig({ model: { name: "mlp", hidden: [32] } });
    same(modelSection(model).options, { hidden: [32] });
  });

  it("namedModelParts (core/src/config/model-section.ts)", async () => {
    const config = resolveConfig({ model: { name: "mlp" }, adapters: { rank: 4 } });
    same(namedModelParts(config).options, { adapters: { rank: 4, targets: [] } });
  });

  it("applyOverrides (core/src/config/overrides.ts)", async () => {
    const raw = applyOverrides({ rounds: 5 }, ["training.learningRate=0.1"]);
    same(raw["training"], { learningRate: 0.1 });
  });

  it("renderToml (core/src/config/render.ts)", async () => {
    same(renderToml(resolveConfig({ rounds: 5 })).split("\n")[2], "rounds = 5");
  });

  it("configHash (core/src/config/render.ts)", async () => {
    same(configHash(resolveConfig({ rounds: 5 })) === configHash(resolveConfig({ rounds: 6 })), false);
  });

  it("resolveConfig (core/src/config/resolve.ts)", async () => {
    const config = resolveConfig({ rounds: 5, data: { clients: 20 } });
    same(config.sampler, { cohort: 10, name: "uniform" });
  });

  it("configSchema (core/src/config/schema.ts)", async () => {
    same(configSchema.parse({ rounds: 5 }).training.batchSize, 20);
  });

  it("commentedTemplate (core/src/config/template.ts)", async () => {
    same(commentedTemplate("first").includes('name = "first"'), true);
  });

  it("parseConfig (core/src/config/toml.ts)", async () => {
    const config = parseConfig("rounds = 5\n[sampler]\ncohort = 3\n", "run.toml", ["seed=2"]);
    same([config.rounds, config.sampler.cohort, config.seed], [5, 3, 2]);
  });

  it("parseToml (core/src/config/toml.ts)", async () => {
    same(parseToml("rounds = 5", "run.toml"), { rounds: 5 });
  });

  it("algorithmCases (core/src/conformance/algorithm.ts)", async () => {
    const goal = { rounds: 20, learningRate: 0.2, within: 1e-3 };
    const subject = { create: () => fedavg(), wire: { down: 1, up: 1 }, converges: goal };
    const cases = algorithmCases(subject, interpreter());
    await cases[2]?.run(); // rejects where the method fails
    same(cases[2]?.name, "sends what its header declares");
  });

  it("blobStoreCases (core/src/conformance/blob-store.ts)", async () => {
    const cases = blobStoreCases(async () => memoryBlobStore());
    for (const { run } of cases) await run(); // rejects where the store fails
    same(cases.length, 5);
  });

  it("runChaosSeed (core/src/conformance/chaos-seed.ts)", async () => {
    const run = { name: "fedavg", ...smallRun({ name: "fedavg" }, { rounds: 1 }) };
    same((await runChaosSeed(run, 3)).violations, []);
  });

  it("clientStateCases (core/src/conformance/client-states.ts)", async () => {
    const cases = clientStateCases(async () => memoryClientStates);
    for (const { run } of cases) await run(); // rejects where the store fails
    same(cases.length, 6);
  });

  it("HEALTHY (core/src/conformance/fault-source.ts)", async () => {
    same([HEALTHY.delay, HEALTHY.crashServer], [1, 0]);
  });

  it("CHAOS (core/src/conformance/fault-source.ts)", async () => {
    same(CHAOS.crashServer > HEALTHY.crashServer, true);
  });

  it("FaultSource (core/src/conformance/fault-source.ts)", async () => {
    const source = new FaultSource(1, { ...HEALTHY, cut: 1 }, 2); // two faults, then all is well
    same([1, 2, 3].map(() => source.happens("cut")), [true, true, false]);
    same(source.counts, { cut: 2 });
  });

  it("ledgerCases (core/src/conformance/ledger.ts)", async () => {
    const cases = ledgerCases(async () => {
      const ledgers = new MemoryLedgers();
      return () => ledgers.open("run");
    });
    for (const { run } of cases) await run(); // rejects where the ledger fails
    same(cases.length > 10, true);
  });

  it("methodCases (core/src/conformance/method-cases.ts)", async () => {
    const cohorts = [[0], [0], [0], [0]];
    const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts };
    const subject: MethodOnProblem = {
      create: () => fedavg(),
      prepare: (algorithm, executor) => prepareQuadratics(algorithm, problem, executor),
    };
    const [first] = methodCases(subject, interpreter());
    await first?.run(); // rejects where the method fails
    same(first?.name, "continues bit for bit from a checkpoint");
  });

  it("replayed (core/src/conformance/replayed-run.ts)", async () => {
    const { prepared } = smallRun({ name: "fedbuff" }, { rounds: 2, schedule: { buffer: 1, concurrency: 2 } });
    // client, version and visit of the updates of each round
    const run = replayed(prepared, [[[0, 1, 0]], [[1, 1, 0]]]);
    same((await simulateSmall(run)).round, 2);
  });

  it("runCohort (core/src/conformance/run-cohort.ts)", async () => {
    const { plan, simulation } = smallRun({ name: "fedavg" }).prepared;
    const { backend } = await inProcessSimulation(simulation, interpreter());
    const broadcast = { round: 1, vectors: { parameters: plan.initial }, scalars: {} };
    const clients: number[] = [];
    const work = { broadcast, cohort: [2, 0], learningRate: 0.1 };
    await runCohort(backend, work, (outcome) => void clients.push(outcome.client));
    same(clients, [2, 0]);
  });

  it("alteredBackend (core/src/conformance/run-cohort.ts)", async () => {
    const { prepared } = smallRun({ name: "fedavg" }, { rounds: 1, sampler: { cohort: 4 } });
    const failure = { code: "client/absent", message: "it is off" };
    // client 0 fails in every round
    const { history } = await simulateSmall(prepared, (backend) =>
      alteredBackend(backend, (outcome) => (outcome.client === 0 ? { ...outcome, failure } : outcome)),
    );
    same(history[0]?.clients, 3);
  });

  it("SimulatedFederation (core/src/conformance/simulated-federation.ts)", async () => {
    const { config, prepared, live } = smallRun({ name: "fedavg" }, { rounds: 1, sampler: { cohort: 4 } });
    const served = await new SimulatedFederation(config, live, 1).run();
    same(served.modelHash === (await simulateSmall(prepared)).modelHash, true);
  });

  it("smallRun (core/src/conformance/small-live-run.ts)", async () => {
    const { prepared } = smallRun({ name: "scaffold" }, { rounds: 2 });
    same([prepared.plan.population, prepared.plan.rounds], [4, 2]);
  });

  it("simulateSmall (core/src/conformance/small-live-run.ts)", async () => {
    const { prepared } = smallRun({ name: "fedavg" }, { rounds: 2 });
    same((await simulateSmall(prepared)).history.map(({ clients }) => clients), [3, 3]);
  });

  it("VirtualTimers (core/src/conformance/virtual-timers.ts)", async () => {
    const timers = new VirtualTimers();
    let rings = 0;
    timers.after(3_600_000, () => rings++);
    await timers.run(() => rings === 1); // an hour goes by at once
    same(timers.now(), 3600000);
  });

  it("BLOCK_GRAPH (core/src/data/block-graph.ts)", async () => {
    same(BLOCK_GRAPH.blocks * BLOCK_GRAPH.nodesPerBlock, 480);
  });

  it("blockGraph (core/src/data/block-graph.ts)", async () => {
    same(blockGraph(rootKey(1), BLOCK_GRAPH).features.shape, [480, 16]);
  });

  it("exampleCount (core/src/data/dataset.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
    same(exampleCount(data), 6);
  });

  it("exampleSize (core/src/data/dataset.ts)", async () => {
    same(exampleSize({ dtype: "uint8", shape: [5, 1, 8, 8], data: new Uint8Array(320) }), 64);
  });

  it("selectTensorRows (core/src/data/dataset.ts)", async () => {
    const tensor = { dtype: "float", shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const;
    same(selectTensorRows(tensor, [2, 0]).data, [5, 6, 1, 2]);
  });

  it("selectRows (core/src/data/dataset.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
    same(selectRows(data, [0, 2]).labels.data, [0, 0]);
  });

  it("checkDataset (core/src/data/dataset.ts)", async () => {
    checkDataset(syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 })); // throws data/... where not
  });

  it("relativeEntropy (core/src/data/divergence.ts)", async () => {
    same(relativeEntropy([0.5, 0.5], [0.5, 0.5]), 0);
  });

  it("symmetricDivergences (core/src/data/divergence.ts)", async () => {
    same(symmetricDivergences([[0.5, 0.5], [0.25, 0.75]])[0], [0, 0.1373]);
  });

  it("jensenShannon (core/src/data/divergence.ts)", async () => {
    same(jensenShannon([1, 0], [0, 1]), 1);
  });

  it("federate (core/src/data/federated.ts)", async () => {
    const part = (firstIndex: number) =>
      syntheticDataset(rootKey(1), { shape: [1, 2, 2], classes: 2, examples: 6, firstIndex });
    const data = { train: part(0), test: part(6) };
    const { partition } = federate(data, createPartitioner("iid", {}), { key: rootKey(1), clients: 3 });
    same(partition.clients.map(({ length }) => length), [2, 2, 2]);
  });

  it("partitionLabels (core/src/data/federated.ts)", async () => {
    // two texts of three characters, which have no class
    const texts = { dtype: "uint8", shape: [2, 3], data: new Uint8Array(6) } as const;
    const data = { name: "texts", features: texts, labels: texts, classes: 9 };
    same(partitionLabels(data, createPartitioner("iid", {})), [0, 0]);
  });

  it("datasetHash (core/src/data/hash.ts)", async () => {
    same(datasetHash(syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 })).length, 16);
  });

  it("partitionHash (core/src/data/hash.ts)", async () => {
    same(partitionHash({ clients: [Int32Array.of(0, 1)] }).length, 16);
  });

  it("splitHoldout (core/src/data/holdout.ts)", async () => {
    const partition = { clients: [Int32Array.of(0, 1, 2, 3, 4)] };
    const { holdout } = splitHoldout(partition, 0.2, rootKey(1));
    same(holdout.clients[0]!.length, 1);
  });

  it("imageQuestions (core/src/data/image-questions.ts)", async () => {
    const images = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 5, examples: 40 });
    const settings = { families: ["position", "count"], ownersPerFamily: 1, gridsPerImage: 1 } as const;
    same(imageQuestions({ train: images, test: images }, rootKey(1), settings).train.features.shape, [10, 70]);
  });

  it("instructions (core/src/data/instructions.ts)", async () => {
    const { train } = instructions(rootKey(1), { train: 5, test: 2 });
    same(train.groupNames!.slice(0, 2), ["copy", "reverse"]);
  });

  it("kMeans (core/src/data/k-means.ts)", async () => {
    const points = [0, 1, 9].map((x) => Float64Array.of(x));
    same(Array.from(kMeans(points, [points[0]!, points[1]!]).labels), [0, 0, 1]);
  });

  it("neighbourGraph (core/src/data/neighbour-graph.ts)", async () => {
    const features = { dtype: "float", shape: [4, 2], data: Float32Array.of(9, 0, 8, 0, -9, 1, -8, 1) } as const;
    const set = { name: "pairs", features, labels: { dtype: "uint8", shape: [4], data: new Uint8Array(4) } as const, classes: 2 };
    same(neighbourGraph(set, { components: 1, neighbours: 1 }).graph.edges, [0, 1, 1, 0, 2, 3, 3, 2]);
  });

  it("ofOwners (core/src/data/owners.ts)", async () => {
    const play = new TextEncoder().encode("ROMEO:\nBut soft, what light!\n\nJULIET:\nAy me! Ay me!\n");
    const train = readTextBySpeaker(play, { name: "play", length: 4 });
    same(ofOwners({ train, test: train }, [1, 2]).train.groups, [1, 1, 1]);
  });

  it("partitionReport (core/src/data/partition-report.ts)", async () => {
    const { meanJs, gini } = partitionReport([[4, 0], [0, 12]]);
    same(meanJs, 1);
    same(gini, 0.25);
  });

  it("meanDivergence (core/src/data/partition-report.ts)", async () => {
    same(meanDivergence([[4, 0], [0, 4]]), 1);
  });

  it("gini (core/src/data/partition-report.ts)", async () => {
    same(gini([0, 0, 0, 4]), 0.75);
  });

  it("communities (core/src/data/partitioners/communities.ts)", async () => {
    const neighbours = adjacencyOf(6, [0, 1, 1, 2, 2, 0, 3, 4, 4, 5, 5, 3, 2, 3]); // two triangles and an edge between
    const context = { key: rootKey(1), classes: 1, clients: 2, neighbours };
    same(communities().partition(new Uint8Array(6), context).clients.map((rows) => [...rows]), [[0, 1, 2], [3, 4, 5]]);
  });

  it("dirichletDisjoint (core/src/data/partitioners/dirichlet-disjoint.ts)", async () => {
    const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 10);
    const scheme = dirichletDisjoint({ alpha: 5, minimumSize: 1 });
    const { clients } = scheme.partition(labels, { key: rootKey(1), classes: 10, clients: 4 });
    same(clients.reduce((total, rows) => total + rows.length, 0), 100);
  });

  it("dirichletEqualSize (core/src/data/partitioners/dirichlet-equal-size.ts)", async () => {
    const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 10);
    const scheme = dirichletEqualSize({ alpha: 0.3 });
    const { clients } = scheme.partition(labels, { key: rootKey(1), classes: 10, clients: 5 });
    same(clients.map((rows) => rows.length), [20, 20, 20, 20, 20]);
  });

  it("embeddingSkew (core/src/data/partitioners/embedding.ts)", async () => {
    const features = { dtype: "float", shape: [4, 1], data: Float32Array.of(0, 9, 0, 9) } as const;
    const scheme = embeddingSkew({ clusters: 2, alpha: 1e9, minimumSize: 1 });
    const context = { key: rootKey(1), classes: 1, clients: 2, features };
    same(scheme.partition(new Uint8Array(4), context).clients.map((rows) => rows.length), [2, 2]);
  });

  it("iid (core/src/data/partitioners/iid.ts)", async () => {
    const { clients } = iid().partition(Uint8Array.of(0, 1, 0, 1), { key: rootKey(1), classes: 2, clients: 2 });
    same(clients.map((rows) => rows.length), [2, 2]);
  });

  it("longTailSizes (core/src/data/partitioners/long-tail-sizes.ts)", async () => {
    same(longTailSizes(3, 100, 0.01), [100, 10, 1]);
    same(longTailSizes(3, 100, 0.01, "step"), [100, 100, 1]);
  });

  it("classGroups (core/src/data/partitioners/long-tail-sizes.ts)", async () => {
    same(classGroups([4, 80, 16]), ["tail", "head", "middle"]);
  });

  it("longTail (core/src/data/partitioners/long-tail.ts)", async () => {
    const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 2);
    const { clients } = longTail({ imbalance: 0.1 }).partition(labels, { key: rootKey(1), classes: 2, clients: 1 });
    same(clients[0]!.length, 55);
  });

  it("natural (core/src/data/partitioners/natural.ts)", async () => {
    const groups = Int32Array.of(0, 0, 1, 1, 1);
    const scheme = natural({ minimumSize: 1, merge: false });
    const { clients } = scheme.partition(new Uint8Array(5), { key: rootKey(1), classes: 1, clients: 2, groups });
    same(clients.map((rows) => rows.length).sort(), [2, 3]);
  });

  it("quantitySkew (core/src/data/partitioners/quantity-skew.ts)", async () => {
    const labels = new Uint8Array(100);
    const { clients } = quantitySkew({ alpha: 1 }).partition(labels, { key: rootKey(1), classes: 1, clients: 4 });
    same(clients.reduce((total, rows) => total + rows.length, 0), 100);
  });

  it("shards (core/src/data/partitioners/shards.ts)", async () => {
    const labels = Uint8Array.from({ length: 100 }, (_, i) => i % 10);
    const scheme = shards({ classesPerClient: 2 });
    const { clients } = scheme.partition(labels, { key: rootKey(1), classes: 10, clients: 5 });
    same(new Set([...clients[0]!].map((row) => labels[row])).size, 2);
  });

  it("partitioners (core/src/data/partitioners/table.ts)", async () => {
    same(Object.keys(partitioners), ["iid", "dirichlet", "embedding", "shards", "quantity-skew", "natural", "long-tail", "communities"]);
  });

  it("createPartitioner (core/src/data/partitioners/table.ts)", async () => {
    same(createPartitioner("dirichlet", { alpha: 0.3 }).name, "dirichlet");
  });

  it("syntheticPopulation (core/src/data/population.ts)", async () => {
    const population = syntheticPopulation(1, 1000, { shape: [1, 8, 8], classes: 2, examples: 6 }, 20);
    same(population.clients, 1000);
  });

  it("populationStatistics (core/src/data/population.ts)", async () => {
    const population = syntheticPopulation(1, 3, { shape: [1, 8, 8], classes: 2, examples: 6 }, 20);
    same(populationStatistics(population).sizeMedian, 6);
  });

  it("questionFamilies (core/src/data/question-grammar.ts)", async () => {
    same(questionFamilies.length, 5);
  });

  it("readCifar10 (core/src/data/readers/cifar.ts)", async () => {
    const record = new Uint8Array(3073); // label, then 32 x 32 pixels of three colours
    same(readCifar10([record]).features.shape, [1, 3, 32, 32]);
  });

  it("readCifar100 (core/src/data/readers/cifar.ts)", async () => {
    const record = new Uint8Array(2 + 3 * 32 * 32); // coarse label, fine label, pixels
    record.set([4, 72]);
    same(readCifar100([record]).labels.data, [72]);
    same(readCifar100([record], { labels: "coarse" }).labels.data, [4]);
  });

  it("readCitations (core/src/data/readers/citations.ts)", async () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const files = { content: bytes("a 1 0 Theory\nb 0 1 Practice\n"), cites: bytes("a b\n") };
    same(readCitations(files, { name: "two papers" }).classNames, ["Practice", "Theory"]);
  });

  it("readCsv (core/src/data/readers/csv.ts)", async () => {
    const file = new TextEncoder().encode("age,site,sick\n61,north,yes\n35,south,no\n");
    const { features, classNames } = readCsv(file, { name: "patients.csv", label: "sick", group: "site" });
    same(features.shape, [2, 1]);
    same(classNames, ["no", "yes"]);
  });

  it("gunzip (core/src/data/readers/gunzip.ts)", async () => {
    const packed = Uint8Array.from(atob("H4sIAAAAAAAAA8tIzcnJBwCGphA2BQAAAA=="), (c) => c.charCodeAt(0));
    same(new TextDecoder().decode(gunzip(packed, "hello.gz")), "hello");
  });

  it("parseIdx (core/src/data/readers/idx.ts)", async () => {
    const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1);
    same(parseIdx(labels).data, [7, 2, 1]);
  });

  it("readIdx (core/src/data/readers/idx.ts)", async () => {
    const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 5, 6);
    const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 3);
    same(readIdx(images, labels, { name: "tiny", classes: 10 }).features.data, [5, 6]);
  });

  it("readImageFolder (core/src/data/readers/image-folder.ts)", async () => {
    const file = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR42mNg+A8AAQIBANEay48AAAAASUVORK5CYII=";
    const files = ["ash/1.png", "elm/1.png"].map((path) => ({ path, bytes: fromBase64(file)! }));
    const { classNames, features } = await readImageFolder(files, { name: "leaves", channels: 1 });
    same(classNames, ["ash", "elm"]);
    same(features.shape, [2, 1, 1, 2]);
  });

  it("decodeImage (core/src/data/readers/image.ts)", async () => {
    const file = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR42mNg+A8AAQIBANEay48AAAAASUVORK5CYII=";
    const { height, width, data } = await decodeImage(fromBase64(file)!, 1, "dot.png");
    same([height, width, ...data], [1, 2, 0, 255]);
  });

  it("readLeaf (core/src/data/readers/leaf.ts)", async () => {
    const json = { users: ["ann"], num_samples: [2], user_data: { ann: { x: [[0, 1], [1, 0]], y: [3, 5] } } };
    const bytes = new TextEncoder().encode(JSON.stringify(json));
    same(readLeaf([{ path: "all_data.json", bytes }], { name: "digits" }).classNames, ["3", "5"]);
  });

  it("readLeafSplit (core/src/data/readers/leaf.ts)", async () => {
    const file = (x: number[][], y: number[]) => {
      const json = { users: ["ann"], user_data: { ann: { x, y } } };
      return [{ path: "all_data.json", bytes: new TextEncoder().encode(JSON.stringify(json)) }];
    };
    const { train, test } = readLeafSplit(file([[0, 1]], [3]), file([[1, 0]], [5]), { name: "digits" });
    same(train.classNames, ["3", "5"]);
    same(test.features.shape, [1, 2]);
  });

  it("readerLimits (core/src/data/readers/limits.ts)", async () => {
    same(readerLimits.examples > 1e6, true);
  });

  it("requireAtMost (core/src/data/readers/limits.ts)", async () => {
    requireAtMost(100, 50, "rows", "patients.csv"); // throws data/too-large for more than 100
  });

  it("scaleDown (core/src/data/readers/limits.ts)", async () => {
    same(scaleDown.startsWith("Scale the images down"), true);
  });

  it("readParquet (core/src/data/readers/parquet.ts)", async () => {
    // a file with one column x of the numbers 1, 2, 3
    const head = "UEFSMRUAFRgVGCwVBhUAFQYVBgAAAQAAAAIAAAADAAAAFQIZLEgEcm9vdBUCABUC";
    const rest = "JQAYAXgAFgYZHBkcJggcFQIZFQAZGAF4FQAWBhYYFjomCAAAFgIWBgAAOQAAAFBBUjE=";
    const file = fromBase64(head + rest)!;
    const { features, classNames } = await readParquet(file, { name: "x.parquet", label: "x", features: ["x"] });
    same(features.data, [1, 2, 3]);
    same(classNames, ["1", "2", "3"]);
  });

  it("resizeImage (core/src/data/readers/resize.ts)", async () => {
    const image = { channels: 1, width: 2, height: 1, data: Uint8Array.of(10, 30) } as const;
    same([...resizeImage(image, { width: 1, height: 1 }).data], [20]);
  });

  it("summarizeCsv (core/src/data/readers/summarize-csv.ts)", async () => {
    const file = new TextEncoder().encode("age;sick\n61;yes\n;no\n");
    const { delimiter, rows, columns } = summarizeCsv(file, "patients.csv");
    same([delimiter, rows], [";", 2]);
    same([columns[0]?.isNumeric, columns[0]?.missing], [true, 1]);
  });

  it("readTextBySpeaker (core/src/data/readers/text-by-speaker.ts)", async () => {
    const play = new TextEncoder().encode("ROMEO:\nBut soft, what light!\n\nJULIET:\nAy me! Ay me!\n");
    same(readTextBySpeaker(play, { name: "play", length: 4 }).groupNames, ["ROMEO", "JULIET"]);
  });

  it("adjacencyOf (core/src/data/row-graph.ts)", async () => {
    const { offsets, targets } = adjacencyOf(3, [0, 1, 1, 0, 2, 2, 1, 2]);
    same([...offsets], [0, 1, 3, 4]);
    same([...targets], [1, 0, 2, 1]);
  });

  it("shiftKinds (core/src/data/shift.ts)", async () => {
    same(shiftKinds.includes("rotation"), true);
  });

  it("shiftClients (core/src/data/shift.ts)", async () => {
    const labels = { dtype: "uint8", shape: [4], data: new Uint8Array(4) } as const;
    const features = { dtype: "float", shape: [4, 1], data: new Float32Array(4) } as const;
    const set = { name: "zeros", features, labels, classes: 2 };
    const key = rootKey(1);
    const dealt = federate({ train: set, test: set }, createPartitioner("iid", {}), { key, clients: 2 });
    const shifted = shiftClients(dealt, { kind: "labels", groups: 2, strength: 0 }, key);
    same(shifted.train.labels.data, [0, 0, 1, 1]);
  });

  it("SHIPPED_DATASETS (core/src/data/shipped.ts)", async () => {
    same(Object.keys(SHIPPED_DATASETS).length, 6);
  });

  it("TEST_NODES (core/src/data/shipped.ts)", async () => {
    same(TEST_NODES, 0.4);
  });

  it("FASHION_MNIST_CLASSES (core/src/data/shipped.ts)", async () => {
    same(FASHION_MNIST_CLASSES[0], "T-shirt/top");
  });

  it("assetUrl (core/src/data/shipped.ts)", async () => {
    same(assetUrl("shakespeare.txt").protocol, "file:");
  });

  it("loadShippedDataset (core/src/data/shipped.ts)", async () => {
    // in a program: (file) => readFile(assetUrl(file))
    const play = `ROMEO:\n${"But soft, what light! ".repeat(8)}\n`;
    const { train } = await loadShippedDataset("tiny-shakespeare", async () => new TextEncoder().encode(play));
    same(train.features.shape, [2, 80]);
  });

  it("loadFashionMnist10k (core/src/data/shipped.ts)", async () => {
    const { test } = await loadFashionMnist10k((file) => readFile(assetUrl(file)));
    same(test.features.shape, [2000, 1, 28, 28]);
  });

  it("loadTinyShakespeare (core/src/data/shipped.ts)", async () => {
    // in a program: (file) => readFile(assetUrl(file))
    const play = "ROMEO:\nBut soft, what light!\n\nJULIET:\nAy me! Ay me!\n";
    const { train } = await loadTinyShakespeare(async () => new TextEncoder().encode(play), 4);
    same(train.groupNames, ["ROMEO", "JULIET"]);
  });

  it("splitByClass (core/src/data/split.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 10 });
    const { test } = splitByClass(data, 0.2, rootKey(2));
    same(test.labels.data, [0, 1]);
  });

  it("splitAtRandom (core/src/data/split.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [2], classes: 2, examples: 10 });
    same(exampleCount(splitAtRandom(data, 0.2, rootKey(2)).test), 2);
  });

  it("splitAtRandom (core/src/data/split.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 10 });
    const { train, test } = splitAtRandom(data, 0.2, rootKey(2));
    same([exampleCount(train), exampleCount(test)], [8, 2]);
  });

  it("splitGroupTails (core/src/data/split.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 10 });
    const { train } = splitGroupTails({ ...data, groups: Int32Array.of(0, 0, 0, 0, 0, 1, 1, 1, 1, 1) }, 0.2);
    same(exampleCount(train), 8);
  });

  it("partitionStatistics (core/src/data/statistics.ts)", async () => {
    const partition = { clients: [Int32Array.of(0, 2), Int32Array.of(1, 3)] };
    const { counts, meanLabelDistance } = partitionStatistics(partition, Uint8Array.of(0, 1, 0, 1), 2);
    same(counts, [[2, 0], [0, 2]]);
    same(meanLabelDistance, 0.5);
  });

  it("syntheticDataset (core/src/data/synthetic.ts)", async () => {
    const data = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
    same(data.features.shape, [6, 1, 8, 8]);
  });

  it("syntheticKeys (core/src/data/synthetic.ts)", async () => {
    same(Object.keys(syntheticKeys(rootKey(1))), ["client", "prototype"]);
  });

  it("syntheticClient (core/src/data/synthetic.ts)", async () => {
    const client = syntheticClient(syntheticKeys(rootKey(1)), 7, { shape: [1, 8, 8], classes: 2, examples: 6 });
    same(client.features.shape, [6, 1, 8, 8]);
  });

  it("columnGroups (core/src/data/tables/column-groups.ts)", async () => {
    const file = new TextEncoder().encode("age,kind,y\n1,oak,a\n2,elm,b\n");
    same(columnGroups(readCsv(file, { name: "trees.csv", label: "y" }), "kind").groups, [1, 0]);
  });

  it("tableEncoding (core/src/data/tables/encoding.ts)", async () => {
    const columns = [{ kind: "number", name: "age", fill: 40 }];
    same(tableEncoding.parse({ columns }), { columns: [{ kind: "number", name: "age", fill: 40 }] });
  });

  it("featureNames (core/src/data/tables/encoding.ts)", async () => {
    const file = new TextEncoder().encode("age,kind,y\n1,oak,a\n2,elm,b\n");
    same(featureNames(readCsv(file, { name: "trees.csv", label: "y" }).table), ["age", "kind = elm", "kind = oak"]);
  });

  it("withStatistics (core/src/data/tables/standardize.ts)", async () => {
    const file = new TextEncoder().encode("age,y\n1,a\n3,b\n");
    const data = readCsv(file, { name: "trees.csv", label: "y" });
    const scaled = standardizeTable(data, withStatistics(data, data.table, { clients: [Int32Array.of(0, 1)] }, {}));
    same([...scaled.features.data], [-1, 1]);
  });

  it("standardizeTable (core/src/data/tables/standardize.ts)", async () => {
    const file = new TextEncoder().encode("age,y\n20,a\n40,b\n");
    const data = readCsv(file, { name: "trees.csv", label: "y" });
    const encoding = withStatistics(data, data.table, { clients: [Int32Array.of(0, 1)] }, { age: [30, 5] });
    same([...standardizeTable(data, encoding).features.data], [-2, 2]);
  });

  it("taskOfRound (core/src/data/task-stream.ts)", async () => {
    same([1, 3, 4, 9].map((round) => taskOfRound({ tasks: 2, roundsPerTask: 3 }, round)), [0, 0, 1, 1]);
  });

  it("endsTask (core/src/data/task-stream.ts)", async () => {
    same([2, 3, 6, 9].map((round) => endsTask({ tasks: 2, roundsPerTask: 3 }, round)), [false, true, true, false]);
  });

  it("transposeImages (core/src/data/transpose.ts)", async () => {
    const train = syntheticDataset(rootKey(1), { shape: [1, 8, 8], classes: 2, examples: 6 });
    const { data } = transposeImages({ train, test: train }).train.features;
    same(data[1] === train.features.data[8], true);
  });

  it("runGolden (core/src/golden/run-golden.ts)", async () => {
    const joint = [[[1, 0], [0, 1]]];
    same(await runGolden({ operation: "disparity", input: { joint } }), { global: 1, local: 1 });
  });

  it("dadao (core/src/gossip/dadao.ts)", async () => {
    const mixing = mixingConstants(graphOf(2, [[0, 1]]));
    const settings = { smoothness: 1, strongConvexity: 1, mixing };
    // two nodes with 0.5 (x - 1)^2 and 0.5 (x - 3)^2: a gradient step of each, then a message
    const events = [
      { time: 1, at: { node: 0 } },
      { time: 2, at: { node: 1 } },
      { time: 3, at: { edge: [0, 1] as const } },
    ];
    same(dadao(settings, (node, x) => [x[0]! - [1, 3][node]!], [[0], [0]], events)[1], [[0.25], [0.75]]);
  });

  it("mixingConstants (core/src/gossip/edge-rates.ts)", async () => {
    const ring = graphOf(4, [[0, 1], [1, 2], [2, 3], [3, 0]]);
    same(mixingConstants(ring), { chi1: 2, chi2: 1.5, rate: 2.4495 });
  });

  it("optimisedProbabilities (core/src/gossip/edge-rates.ts)", async () => {
    // two triangles and a bridge, which is used most
    const graph = graphOf(6, [[0, 1], [1, 2], [2, 0], [2, 3], [3, 4], [4, 5], [5, 3]]);
    const bridge = optimisedProbabilities(graph)[3]!;
    same(bridge > 1 / 4, true);
  });

  it("mix (core/src/gossip/mix.ts)", async () => {
    const rows = mixingRows(graphOf(2, [[0, 1]]), "metropolis");
    const models = modelsOf([Float64Array.of(1), Float64Array.of(3)]);
    same(modelOf(mix(models, rows), 0), [2]);
  });

  it("modelOf (core/src/gossip/models.ts)", async () => {
    same(modelOf(modelsOf([Float32Array.of(1, 2), Float32Array.of(3, 4)]), 1), [3, 4]);
  });

  it("modelsOf (core/src/gossip/models.ts)", async () => {
    same(modelsOf([Float32Array.of(1, 2), Float32Array.of(3, 4)]).data, [1, 2, 3, 4]);
  });

  it("nearestRows (core/src/gossip/robust-rows.ts)", async () => {
    const models = modelsOf([0, 1, 100].map((value) => Float32Array.of(value)));
    const row = { nodes: [0, 1, 2], weights: [1 / 3, 1 / 3, 1 / 3] };
    same(nearestRows(models, [row], 1), [{ nodes: [0, 1], weights: [0.5, 0.5] }]);
  });

  it("balancedAssignment (core/src/heterogeneity/balanced-assignment.ts)", async () => {
    same(balancedAssignment([[1, 0], [1, 0]], { epsilon: 1, iterations: 3 }), [[0.5, 0.5], [0.5, 0.5]]);
  });

  it("clusteringAccuracy (core/src/heterogeneity/balanced-assignment.ts)", async () => {
    same(clusteringAccuracy([1, 1, 0, 0], [0, 0, 1, 0], 2), 0.75);
  });

  it("matchedShare (core/src/heterogeneity/balanced-assignment.ts)", async () => {
    same(matchedShare([[1, 3], [4, 2]]), 0.7);
  });

  it("statisticsOf (core/src/heterogeneity/class-statistics.ts)", async () => {
    same([...statisticsOf([[1, 2], [3, 4]]).mean], [2, 3]);
  });

  it("pooledStatistics (core/src/heterogeneity/class-statistics.ts)", async () => {
    const { mean, covariance } = pooledStatistics([statisticsOf([[0]]), statisticsOf([[3], [3]])]);
    same(Array.from(mean), [2]);
    same(Array.from(covariance), [2]);
  });

  it("geometryOf (core/src/heterogeneity/class-statistics.ts)", async () => {
    same(geometryOf(statisticsOf([[1, 0], [3, 0]])).variances.length, 2);
  });

  it("augmentedFeature (core/src/heterogeneity/class-statistics.ts)", async () => {
    const geometry = geometryOf(statisticsOf([[1, 0], [3, 0]]));
    same(augmentedFeature([5, 5], geometry, [2, 0]), [7, 5]);
  });

  it("calibratedHead (core/src/heterogeneity/classifier-calibration.ts)", async () => {
    const statistics = [statisticsOf([[1]]), statisticsOf([[-1]])];
    const settings = { samples: 1, steps: 1, learningRate: 1 };
    same(Array.from(calibratedHead({ weight: [0, 0], bias: [0, 0] }, statistics, settings, rootKey(1)).weight), [0.5, -0.5]);
  });

  it("confusionSums (core/src/heterogeneity/confusion.ts)", async () => {
    const { sums } = confusionSums(constant([0, 0], [1, 2]), constant([1], [1], "int32"), constant([1], [1]));
    same(evaluate(sums).data, [0, 0.25, 0, 0]);
  });

  it("confusionDirection (core/src/heterogeneity/confusion.ts)", async () => {
    same(Array.from(confusionDirection([0, 1, 0, 0], [2, 2])), [0, 1, 0, 0]);
  });

  it("visiblePart (core/src/heterogeneity/curriculum.ts)", async () => {
    same(visiblePart("linear", 5, { a: 1, b: 0.5, horizon: 10 }), 0.75);
  });

  it("easiestFirst (core/src/heterogeneity/curriculum.ts)", async () => {
    same(easiestFirst([0.9, 0.1, 0.5]), [1, 2, 0]);
  });

  it("visibleExamples (core/src/heterogeneity/curriculum.ts)", async () => {
    same(visibleExamples([3, 1, 2], 0.5, "curriculum"), [1, 2]);
  });

  it("visibleCount (core/src/heterogeneity/curriculum.ts)", async () => {
    same(visibleCount(5, 0.5), 3);
  });

  it("distributionMatching (core/src/heterogeneity/distilled-images.ts)", async () => {
    const real = { features: constant([1, 3], [2, 1]), labels: [0, 0] };
    const synthetic = { features: constant([5], [1, 1]), labels: [0] };
    same(evaluate(distributionMatching((rows) => rows, real, synthetic)).data, [9]);
  });

  it("gradientMatching (core/src/heterogeneity/distilled-images.ts)", async () => {
    const head = { weight: constant([0, 0], [2, 1]) };
    const rows = { features: constant([1], [1, 1]), labels: [0] };
    // the gradient is [-0.5, 0.5]: both rows point as the target does
    same(evaluate(gradientMatching(head, rows, constant([-1, 1], [2, 1]))).data, [0]);
  });

  it("contrastiveLoss (core/src/heterogeneity/distilled-images.ts)", async () => {
    const client = { features: constant([1, 0, 0, 1], [2, 2]), labels: [0, 1] };
    const server = { features: constant([1, 0, 0, 1], [2, 2]), labels: [0, 1] };
    same(evaluate(contrastiveLoss(client, server, 0.5)).data, [0.2395]);
  });

  it("refreshes (core/src/heterogeneity/distilled-images.ts)", async () => {
    same([0, 3, 5, 50].map((round) => refreshes(round)), [true, false, true, false]);
  });

  it("withDualAdapters (core/src/heterogeneity/dual-adapters.ts)", async () => {
    const model = withBottlenecks(mlp({ input: [4], hidden: [8], classes: 2 }), { units: 2 });
    const { parameters } = withDualAdapters(model, { use: "dual" });
    same(parameters.filter(({ block }) => block === "dense1.local").map(({ name }) => name).at(0), "dense1.local.down.weight");
  });

  it("augmentationRamp (core/src/heterogeneity/feature-augmentation.ts)", async () => {
    same(augmentationRamp(0, 10, 1).ramp, 0);
  });

  it("updatedClassMeans (core/src/heterogeneity/feature-augmentation.ts)", async () => {
    const rows = {
      features: constant([2, 4], [2, 1]),
      labels: constant([0, 0], [2], "int32"),
      weights: constant([0.5, 0.5], [2]),
    };
    same(evaluate(updatedClassMeans(constant([0, 1], [2, 1]), rows, 0.5)).data, [1.5, 1]);
  });

  it("augmentationLosses (core/src/heterogeneity/feature-augmentation.ts)", async () => {
    const row = (value: number, label: number) => {
      return { features: constant([value], [1, 1]), labels: constant([label], [1], "int32"), weights: constant([1], [1]) };
    };
    const still = constant([0], [1, 1]);
    const batch = { real: row(1, 0), generated: row(-1, 1), residuals: [still, still] as const };
    const head = { weight: constant([1, -1], [2, 1]) };
    const classMeans = constant([1, -1], [2, 1]);
    const weights = { generator: 0.1, residual: 0.1 };
    same(evaluate(augmentationLosses(head, { ...batch, classMeans }, augmentationRamp(0, 10, 1), weights).real).data, [0.1269]);
  });

  it("globalCentroids (core/src/heterogeneity/global-centroids.ts)", async () => {
    const fit = { temperature: 0.1, learningRate: 0.1, steps: 100 };
    const found = globalCentroids([[1, 0], [0, 1]], [[0.8, 0.6], [0.6, 0.8]], fit);
    same(found.map((row) => row.map((x) => Math.round(x))), [[1, 0], [0, 1]]);
  });

  it("centroidsByClass (core/src/heterogeneity/global-centroids.ts)", async () => {
    same(centroidsByClass([[1, 0], [0, 1]], [[0, 5], undefined]), [[0, 1], [1, 0]]);
  });

  it("classPrototypes (core/src/heterogeneity/global-header.ts)", async () => {
    same(classPrototypes([[1, 0], [3, 4], [9, 9]], [1, 1, 0], 2), [{ label: 1, count: 2, mean: [2, 2] }]);
  });

  it("trainedHeader (core/src/heterogeneity/global-header.ts)", async () => {
    const head = { weight: Float64Array.of(0, 0) }; // two classes, one feature
    const { weight } = trainedHeader(head, 2, [[{ label: 1, count: 5, mean: [2] }]], { learningRate: 0.1 });
    same(weight, [-0.1, 0.1]);
  });

  it("domainLoss (core/src/heterogeneity/hessian-alignment.ts)", async () => {
    const domain = { features: constant([1], [1, 1]), labels: constant([0], [1], "int32") };
    same(evaluate(domainLoss(constant([0, 0], [2, 1]), domain)).data, [0.6931]);
  });

  it("curvatureOf (core/src/heterogeneity/hessian-alignment.ts)", async () => {
    const domain = { features: constant([1], [1, 1]), labels: constant([0], [1], "int32") };
    const phi = constant([0, 0], [2, 1]);
    const { gradient, second } = curvatureOf(domainLoss(phi, domain), { phi }, "hgp");
    same(evaluate(gradient.phi).data, [-0.5, 0.5]);
    same(evaluate(second.phi).data, [-0.25, 0.25]);
  });

  it("meanCurvature (core/src/heterogeneity/hessian-alignment.ts)", async () => {
    const domain = (x: number) => ({ features: constant([x], [1, 1]), labels: constant([0], [1], "int32") });
    const mean = meanCurvature(constant([0, 0], [2, 1]), [domain(1), domain(3)], "hgp");
    same(evaluate(mean.gradient["phi"]!).data, [-1, 1]);
  });

  it("alignmentPenalty (core/src/heterogeneity/hessian-alignment.ts)", async () => {
    const curvature = (g: number, h: number) => ({ gradient: { w: constant([g]) }, second: { w: constant([h]) } });
    same(evaluate(alignmentPenalty(curvature(1, 2), curvature(3, 5), 0.1, 1)).data, [4.9]);
  });

  it("alignedObjective (core/src/heterogeneity/hessian-alignment.ts)", async () => {
    const domain = (x: number) => ({ features: constant([x], [1, 1]), labels: constant([0], [1], "int32") });
    const phi = constant([0, 0], [2, 1]);
    same(evaluate(alignedObjective(phi, [domain(1), domain(3)], "hgp", { alpha: 0, beta: 1 })).data, [1.1931]);
  });

  it("hypernetworkModel (core/src/heterogeneity/hypernetwork-model.ts)", async () => {
    const model = hypernetworkModel(mlp({ input: [4], hidden: [3], classes: 2 }), { embedding: 5, hidden: 6 });
    same(model.parameters.find(({ name }) => name === "hypernetwork.dense1.weight.map")?.shape, [12, 6]);
  });

  it("generatedTensors (core/src/heterogeneity/hypernetwork.ts)", async () => {
    const hidden = { weight: constant([2], [1, 1]), bias: constant([1], [1]) };
    const maps = { w: { weight: constant([1, 10], [2, 1]), bias: constant([0, 1], [2]) } };
    same(evaluate(generatedTensors({ hidden, maps }, constant([3], [1]), { w: [1, 2] })["w"]!).data, [7, 71]);
  });

  it("headPhase (core/src/heterogeneity/hypernetwork.ts)", async () => {
    const hidden = { weight: constant([1], [1, 1]), bias: constant([0], [1]) };
    const maps = { w: { weight: constant([1], [1, 1]), bias: constant([0], [1]) } };
    const client = { network: { hidden, maps }, embedding: constant([2], [1]), head: { p: constant([3], [1]) } };
    const settings = { learningRate: 0.1, momentum: 0, weightDecay: 0 };
    const next = headPhase(client, { w: [1] }, [({ w }, { p }) => reshape(mul(w!, p!), [])], settings);
    same(evaluate(next.head["p"]!).data, [2.8]);
  });

  it("pulledBack (core/src/heterogeneity/hypernetwork.ts)", async () => {
    const hidden = { weight: constant([1], [1, 1]), bias: constant([0], [1]) };
    const maps = { w: { weight: constant([1], [1, 1]), bias: constant([0], [1]) } };
    const client = { network: { hidden, maps }, embedding: constant([2], [1]), head: { p: constant([3], [1]) } };
    const slopes = pulledBack(client, { w: [1] }, ({ w }, { p }) => reshape(mul(w!, p!), []));
    same(evaluate(slopes.embedding).data, [3]);
  });

  it("generatorPhase (core/src/heterogeneity/hypernetwork.ts)", async () => {
    const hidden = { weight: constant([1], [1, 1]), bias: constant([0], [1]) };
    const maps = { w: { weight: constant([1], [1, 1]), bias: constant([0], [1]) } };
    const client = { network: { hidden, maps }, embedding: constant([2], [1]), head: { p: constant([3], [1]) } };
    const settings = { learningRate: 0.1, momentum: 0, weightDecay: 0, clip: 1 };
    const next = generatorPhase(client, { w: [1] }, [({ w }, { p }) => reshape(mul(w!, p!), [])], settings);
    same(evaluate(next.embedding).data, [1.9]);
  });

  it("activeStages (core/src/heterogeneity/layer-distillation.ts)", async () => {
    same(activeStages(3, { stages: 3, dropEvery: 2, minimumStages: 1 }), [1, 2]);
  });

  it("stageDistillationLoss (core/src/heterogeneity/layer-distillation.ts)", async () => {
    const [logits, sure] = [constant([0, 0], [1, 2]), constant([1, 0], [1, 2])];
    const loss = stageDistillationLoss(logits, constant([0], [1], "int32"), [sure], { temperature: 1, weight: 2 });
    same(evaluate(loss).data, [2.0794]);
  });

  it("localCentroids (core/src/heterogeneity/local-centroids.ts)", async () => {
    const features = constant([2, 0, 3, 0, 0, 1, 0, 4], [4, 2]);
    same(evaluate(localCentroids(features, { groups: 2, smallest: 2 })).data, [1, 0, 0, 1]);
  });

  it("adjustedLogits (core/src/heterogeneity/logit-adjustment.ts)", async () => {
    const counts = constant([1, Math.E, 0], [3]);
    same(evaluate(adjustedLogits(constant([5, 5, 5], [1, 3]), counts, 1)).data, [5, 6, 5]);
  });

  it("labelCounts (core/src/heterogeneity/logit-adjustment.ts)", async () => {
    same(evaluate(labelCounts(constant([0, 2, 2], [3], "int32"), 3)).data, [1, 0, 2]);
  });

  it("lossWithMargin (core/src/heterogeneity/margin-loss.ts)", async () => {
    const loss = lossWithMargin(constant([0, 0], [1, 2]), constant([0], [1], "int32"), 1);
    same(evaluate(loss).data, [1.09861]);
  });

  it("marginPenalty (core/src/heterogeneity/margin-loss.ts)", async () => {
    const logits = constant([0, 0, 5, 9], [2, 2]);
    same(evaluate(marginPenalty(logits, 1, constant([1, 0], [2]))).data, [0.40547]);
  });

  it("knownRows (core/src/heterogeneity/open-world.ts)", async () => {
    same(evaluate(knownRows(constant([0, 3, 2], [3], "int32"), 3, constant([1, 1, 1], [3]))).data, [1, 0, 1]);
  });

  it("partnersOf (core/src/heterogeneity/open-world.ts)", async () => {
    const features = constant([1, 0, 0, 1, 1, 0.1, 0, 5], [4, 2]);
    const [labels, counts] = [constant([0, 9, 0, 9], [4], "int32"), constant([1, 1, 1, 1], [4])];
    same(evaluate(partnersOf(features, labels, 2, counts)).data, [2, 3, 0, 1]);
  });

  it("adaptiveMargin (core/src/heterogeneity/open-world.ts)", async () => {
    same([0.2, 0.9].map((u) => evaluate(adaptiveMargin(constant(u), 2)).data[0]), [0.4, 1]);
  });

  it("openWorldTerms (core/src/heterogeneity/open-world.ts)", async () => {
    const view = constant([0, 0, 0, 0], [2, 2]);
    const labels = constant([0, 2], [2], "int32");
    const partners = constant([1, 0], [2], "int32");
    const batch = { views: [view, view], labels, partners, counts: constant([1, 1], [2]) } as const;
    const { supervised, pairwise } = openWorldTerms(batch, constant(0));
    same([supervised, pairwise].map((term) => evaluate(term).data[0]), [0.6931, 0.6931]);
  });

  it("centroidPosterior (core/src/heterogeneity/open-world.ts)", async () => {
    const centroids = constant([1, 0, 0, 1], [2, 2]);
    same(evaluate(centroidPosterior(constant([3, 0], [1, 2]), centroids, 0.5)).data, [0.8808, 0.1192]);
  });

  it("calibrationLoss (core/src/heterogeneity/open-world.ts)", async () => {
    const partners = constant([1, 0], [2], "int32");
    same(evaluate(calibrationLoss(constant([0.5, 0.5, 0.5, 0.5], [2, 2]), partners)).data, [0.6931]);
  });

  it("pseudoLabelLoss (core/src/heterogeneity/open-world.ts)", async () => {
    const logits = constant([0, 0, 0, 0], [2, 2]);
    const posterior = constant([0.9, 0.1, 0.5, 0.5], [2, 2]);
    same(evaluate(pseudoLabelLoss(logits, constant([1, 1], [2]), posterior, 0.8)).data, [0.6931]);
  });

  it("classWeights (core/src/heterogeneity/open-world.ts)", async () => {
    same(evaluate(classWeights(constant([10, 5], [2]), 0.25)).data, [1, 0.5]);
  });

  it("suppressedLoss (core/src/heterogeneity/open-world.ts)", async () => {
    const logits = constant([0, 0, 0, 0], [2, 2]);
    same(evaluate(suppressedLoss(logits, constant([0, 1], [2]), constant([1, 1], [2]))).data, [0.25]);
  });

  it("emptyBasis (core/src/heterogeneity/orthogonal-training.ts)", async () => {
    same(emptyBasis(3).rank, 0);
  });

  it("projectorOf (core/src/heterogeneity/orthogonal-training.ts)", async () => {
    same(projectorOf({ inputs: 2, rank: 1, vectors: Float64Array.of(1, 0) }), [1, 0, 0, 0]);
  });

  it("newInputs (core/src/heterogeneity/orthogonal-training.ts)", async () => {
    const basis = { inputs: 2, rank: 1, vectors: Float64Array.of(1, 0) };
    same(newInputs(basis, { rows: 2, columns: 1, values: Float64Array.of(3, 4) }).values, [0, 4]);
  });

  it("sketchInputs (core/src/heterogeneity/orthogonal-training.ts)", async () => {
    const inputs = { rows: 2, columns: 1, values: Float64Array.of(3, 4) };
    const directions = { rows: 1, columns: 1, values: Float64Array.of(2) };
    const { sketch, ratio } = sketchInputs(emptyBasis(2), inputs, directions);
    same(sketch.values, [6, 8]);
    same(ratio, 1);
  });

  it("extendBasis (core/src/heterogeneity/orthogonal-training.ts)", async () => {
    const inputs = { rows: 2, columns: 1, values: Float64Array.of(3, 0) };
    const sketch = sketchInputs(emptyBasis(2), inputs, { rows: 1, columns: 1, values: Float64Array.of(1) });
    const { basis, added } = extendBasis(emptyBasis(2), [sketch], 0.9);
    same(added, 1);
    same(basis.vectors.map(Math.abs), [1, 0]);
  });

  it("projectedUpdate (core/src/heterogeneity/orthogonal-training.ts)", async () => {
    const basis = { inputs: 2, rank: 1, vectors: Float64Array.of(1, 0) };
    same(Array.from(projectedUpdate(basis, { rows: 1, columns: 2, values: Float64Array.of(5, 7) }).values), [0, 7]);
  });

  it("revisedUpdates (core/src/heterogeneity/principal-updates.ts)", async () => {
    const one = layout([{ name: "w", shape: [2], role: "vector", block: "w" }]);
    const updates = [Float64Array.of(1, 0), Float64Array.of(1, 0), Float64Array.of(0, 0.1)];
    same(revisedUpdates(updates, one, 0.4)[0], [0.995, 0]);
  });

  it("detachedHeadLosses (core/src/heterogeneity/realignment.ts)", async () => {
    const zero = { weight: constant([0, 0], [2, 1]) };
    const heads = { fixed: zero, shared: zero, own: zero };
    const { features } = detachedHeadLosses(constant([3], [1, 1]), constant([1], [1], "int32"), heads);
    same(evaluate(features).data, [0.69315]);
  });

  it("realignedWeight (core/src/heterogeneity/realignment.ts)", async () => {
    same(evaluate(realignedWeight(constant([3, 4, 0, 0], [2, 2]), 10)).data, [6, 8, 0, 0]);
  });

  it("realignedLogits (core/src/heterogeneity/realignment.ts)", async () => {
    const [own, shared] = [{ weight: constant([2, 1], [2, 1]) }, { weight: constant([5, 5], [2, 1]) }];
    same(evaluate(realignedLogits(constant([1], [1, 1]), own, shared, [8, 3])).data, [12, 6]);
  });

  it("withSharedAdapter (core/src/heterogeneity/shared-adapter.ts)", async () => {
    const model = withSharedAdapter(mlp({ input: [4], hidden: [3], classes: 2 }), { rank: 1, share: 0.3 });
    same(model.parameters.filter(({ block }) => block === "adapter").map(({ shape }) => shape), [[3, 1], [1, 2]]);
  });

  it("fuseKnowledge (core/src/heterogeneity/soft-labels.ts)", async () => {
    same(fuseKnowledge([[[1, 0]], [[0.5, 0.5]]], 0).fused[0], [[0.75, 0.25]]);
  });

  it("sparseClassifier (core/src/heterogeneity/sparse-classifier.ts)", async () => {
    const fit = { sparsity: 0, radius: 1, steps: 0, learningRate: 0 };
    const [a, b, c, d] = sparseClassifier(2, 2, fit, rootKey(1));
    same(a! * b! + c! * d!, -1);
  });

  it("keptExamples (core/src/heterogeneity/split-training.ts)", async () => {
    same(keptExamples(24, 0.2), 20);
  });

  it("trainedStageHead (core/src/heterogeneity/stage-heads.ts)", async () => {
    const classes = [{ label: 1, features: [2], soft: [0.5, 0.5] }];
    const settings = { temperature: 1, weight: 0, learningRate: 0.1 };
    const { head, loss } = trainedStageHead({ weight: Float64Array.of(0, 0) }, classes, settings);
    same(head.weight, [-0.1, 0.1]);
    same(loss, 0.6931);
  });

  it("stageSoftLabels (core/src/heterogeneity/stage-heads.ts)", async () => {
    same(stageSoftLabels({ weight: Float64Array.of(0, 3) }, [2], 2), [0.0474, 0.9526]);
  });

  it("simplexFrame (core/src/heterogeneity/static-classifier.ts)", async () => {
    same(evaluate(simplexFrame(constant([1, 0, 0, 1], [2, 2]))).data, [0.70711, -0.70711, -0.70711, 0.70711]);
  });

  it("classifierObjective (core/src/heterogeneity/static-classifier.ts)", async () => {
    const axes = constant([1, 0, 0, 1], [2, 2]);
    same(evaluate(classifierObjective(axes, constant([1, 1, 1, 1], [2, 2]), 1)).data, [-1.5708]);
  });

  it("staticClassifier (core/src/heterogeneity/static-classifier.ts)", async () => {
    const support = constant([1, 0, 0, 1], [2, 2]);
    const fit = { radius: 1, steps: 0, learningRate: 0.01 };
    same(evaluate(staticClassifier(constant([1, 2, 3, 4], [2, 2]), support, fit)).data, [1, 0, 0, 4]);
  });

  it("harderExamples (core/src/heterogeneity/up-sampling.ts)", async () => {
    same(harderExamples([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]], [0, 0, 0], 2), [2]);
  });

  it("maskRegularisers (core/src/heterogeneity/weight-masks.ts)", async () => {
    const all = (value: number) => {
      const [weight, bias] = [constant([value], [1, 1]), constant([value], [1])];
      return { W1: weight, b1: bias, W2: weight, b2: bias, Wc: weight, bc: bias };
    };
    same(evaluate(maskRegularisers(all(3), all(1), all(2), { sparsity: 0.1, pull: 1 })).data, [6.6]);
  });

  it("normalisedAdjacency (core/src/heterogeneity/weight-masks.ts)", async () => {
    same(Array.from(normalisedAdjacency([[0, 3], [3, 0]])), [0.25, 0.75, 0.75, 0.25]);
  });

  it("prunedMask (core/src/heterogeneity/weight-masks.ts)", async () => {
    same(prunedMask(Float64Array.of(0.9, -0.1, 0.4), 0.3), [0.9, 0, 0.4]);
  });

  it("answerError (core/src/live/answer-error.ts)", async () => {
    const error = answerError(404, { message: "no such run" }, "https://example.org");
    same(error.code, "live/not-found");
  });

  it("toBase64 (core/src/live/base64.ts)", async () => {
    same(toBase64(Uint8Array.of(1, 2, 3)), "AQID");
  });

  it("fromBase64 (core/src/live/base64.ts)", async () => {
    same(fromBase64("AQID"), [1, 2, 3]);
    same(fromBase64("no base64!"), undefined);
  });

  it("tableReading (core/src/live/client-examples.ts)", async () => {
    const features = { dtype: "float" as const, shape: [2] };
    const labels = { dtype: "float" as const, shape: [] }; // numbers to predict
    same(tableReading({ name: "trees", features, labels, classes: 1 }).table, { target: "number" });
  });

  it("imageReading (core/src/live/client-examples.ts)", async () => {
    const features = { dtype: "uint8" as const, shape: [3, 32, 32] };
    const labels = { dtype: "uint8" as const, shape: [] };
    same(imageReading({ name: "leaves", features, labels, classes: 5 }), [3, 32, 32]);
  });

  it("ownExamples (core/src/live/client-examples.ts)", async () => {
    const { config, live } = smallRun({ name: "fedavg" });
    const features = { dtype: "float", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) } as const;
    const labels = { dtype: "uint8", shape: [2], data: Uint8Array.of(0, 2) } as const;
    const own = { name: "mine", features, labels, classes: 3 };
    same(ownExamples(own, describeTask(config, live), rootKey(1)).train.labels.data, [0, 2]);
  });

  it("sharedExamples (core/src/live/client-examples.ts)", async () => {
    const { config, live } = smallRun({ name: "fedavg" });
    const description = describeTask(config, live);
    const { train, test } = live.federation.dataset!;
    same(sharedExamples({ train, test }, description, description.partition!, 3).train.features.shape, [12, 2]);
  });

  it("USUAL_LIMITS (core/src/live/client-limits.ts)", async () => {
    same(USUAL_LIMITS.rounds, 10000);
  });

  it("contentHashOf (core/src/live/content-hash.ts)", async () => {
    same((await contentHashOf(Uint8Array.of(1, 2, 3))).slice(0, 8), "039058c6");
  });

  it("blobName (core/src/live/content-hash.ts)", async () => {
    same(blobName("039058c6"), "blobs/039058c6");
  });

  it("LIVE_VERSION (core/src/live/control.ts)", async () => {
    same(LIVE_VERSION, 1);
  });

  it("CONTROL_BYTES (core/src/live/control.ts)", async () => {
    same(CONTROL_BYTES, 65536);
  });

  it("contentHash (core/src/live/control.ts)", async () => {
    same(contentHash.safeParse("0".repeat(64)).success, true);
  });

  it("orderId (core/src/live/control.ts)", async () => {
    same(orderId.safeParse("3/17/0").success, true);
  });

  it("messageId (core/src/live/control.ts)", async () => {
    same(messageId.safeParse("3/17/not-a-hash").success, false);
  });

  it("uploadId (core/src/live/control.ts)", async () => {
    same(uploadId.safeParse("3/17/0").success, true);
  });

  it("clientMessage (core/src/live/control.ts)", async () => {
    same(clientMessage.safeParse({ type: "unknown" }).success, false);
  });

  it("serverMessage (core/src/live/control.ts)", async () => {
    same(serverMessage.safeParse({ type: "unknown" }).success, false);
  });

  it("proofText (core/src/live/control.ts)", async () => {
    same(proofText("k3f9a2", "nonce", "https://example.org").length > 20, true);
  });

  it("uploadAnswer (core/src/live/control.ts)", async () => {
    same(uploadAnswer.safeParse({ status: "accepted", hash: "0".repeat(64) }).success, true);
  });

  it("namesBlob (core/src/live/data-names.ts)", async () => {
    const { federation } = smallRun({ name: "fedavg" }).live;
    const examples = { ...federation.examples, classNames: ["a".repeat(20_000), "b", "c"] };
    same(namesBlob({ federation: { ...federation, examples } })?.length, 20027);
  });

  it("ExecutorService (core/src/live/executor-service.ts)", async () => {
    const answer = Promise.withResolvers<FromExecutor>();
    const service = new ExecutorService(Promise.resolve(interpreter()), answer.resolve);
    service.receive({ type: "release", id: 1, executable: 7 }); // in a worker: what its port receives
    same(await answer.promise, { type: "done", id: 1, outputs: {  } });
  });

  it("failureOf (core/src/live/executor-service.ts)", async () => {
    same(failureOf(new AnabranchError({ code: "client/absent", message: "it is off" })).code, "client/absent");
    same(failureOf(new Error("out of memory")).code, "client/failed");
  });

  it("runLiveClient (core/src/live/live-client.ts)", async () => {
    const gone = async () => Promise.reject(new Error("no server"));
    const result = await runLiveClient({
      ...{ run: "run", token: "secret", executor: interpreter(), timers: systemTimers, random: Math.random },
      transport: { origin: "http://localhost", connect: gone, download: gone, upload: gone },
      identity: { publicKey: "", sign: async () => new Uint8Array(64) },
      states: { load: async () => undefined, save: async () => {} },
      records: { load: async () => undefined, save: async () => {} },
      ...{ data: gone, report: () => {}, giveUpAfterSeconds: 60 },
      signal: AbortSignal.abort(), // the client leaves at once
    });
    same(result.stopped, "left");
  });

  it("liveSecureAggregation (core/src/live/live-secure-aggregation.ts)", async () => {
    const secureAggregation = { protocol: "bonawitz", range: 1 } as const;
    const { config, live } = smallRun({ name: "fedavg" }, { sampler: { cohort: 4 }, secureAggregation });
    const limits = { progressSeconds: 600, longestSeconds: 3600, maxUpdateBytes: 2 ** 20, keptVersions: 1 };
    const run = { description: describeTask(config, live), minimumClients: 4, releasesOnce: false, ...limits };
    const ports = { ledger: await new MemoryLedgers().open("run"), blobs: memoryBlobStore(), timers: systemTimers };
    const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count));
    const { courier, enrolled } = await LiveServer.open(run, { ...ports, randomBytes, notice: () => {} });
    const more = { run: "run", courier, enrolled, refused: () => {}, clock: () => performance.now() };
    const settings = live.plan.stages.secureAggregation!;
    same(liveSecureAggregation(settings, more).hidesInputs, true);
  });

  it("LiveServer (core/src/live/live-server.ts)", async () => {
    const { config, live } = smallRun({ name: "fedavg" });
    const limits = { progressSeconds: 600, longestSeconds: 3600, maxUpdateBytes: 2 ** 20, keptVersions: 1 };
    const run = { description: describeTask(config, live), minimumClients: 4, releasesOnce: false, ...limits };
    const server = await LiveServer.open(run, {
      ...{ ledger: await new MemoryLedgers().open("run-1"), blobs: memoryBlobStore(), timers: systemTimers },
      ...{ randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)), notice: () => {} },
    });
    same(server.state, "waiting");
  });

  it("MemoryLedgers (core/src/live/memory-ledger.ts)", async () => {
    const ledger = await new MemoryLedgers().open("run-1");
    await ledger.giveOrder({ id: "1/0/0", client: 0, version: 1, broadcast: "b" });
    same(await ledger.acceptUpdate("1/0/0", "h"), "accepted");
    same(await ledger.updates(), ["h"]);
  });

  it("advanceVersion (core/src/live/newest-version.ts)", async () => {
    same(advanceVersion({ version: 4, broadcast: "a1" }, 9, "b2"), "gap");
  });

  it("lostLedger (core/src/live/release-errors.ts)", async () => {
    same(lostLedger(7).code, "live/lost-ledger");
  });

  it("RemoteExecutor (core/src/live/remote-executor.ts)", async () => {
    // both ends in one thread; in a program the messages go through ports
    const remote: RemoteExecutor = new RemoteExecutor((message) => service.receive(message));
    const service = new ExecutorService(Promise.resolve(interpreter()), (message) => remote.receive(message));
    const doubled = trace(({ x }) => ({ y: mul(x, 2) }), { x: { dtype: "float", shape: [2] } });
    const program = await remote.load(compileProgram("double", doubled));
    const { y } = await program.run({ x: { dtype: "float", shape: [2], data: Float64Array.of(1, 2) } });
    same(y?.data, [2, 4]);
  });

  it("secureRecord (core/src/live/secure-record.ts)", async () => {
    same(secureRecord.safeParse({}).success, false);
  });

  it("systemTimers (core/src/live/system-timers.ts)", async () => {
    const before = systemTimers.now();
    await new Promise<void>((done) => systemTimers.after(1, done));
    same(systemTimers.now() > before, true);
  });

  it("taskDescription (core/src/live/task-description.ts)", async () => {
    same(taskDescription.safeParse({}).success, false);
  });

  it("describeTask (core/src/live/task-description.ts)", async () => {
    const { config, live } = smallRun({ name: "scaffold" });
    same(describeTask(config, live).algorithm.name, "scaffold");
  });

  it("openTask (core/src/live/task-description.ts)", async () => {
    const { config, live } = smallRun({ name: "fedavg" });
    const { task } = openTask(describeTask(config, live));
    same(task.program.hash === live.simulation.task.program.hash, true);
  });

  it("heldBlob (core/src/live/task-description.ts)", async () => {
    const { config, live } = smallRun({ name: "fedavg" }, { parameters: { frozen: ["dense1"] } });
    const withFile = { ...config, model: { ...config.model, initialWeights: "weights.safetensors" } };
    same(heldBlob(withFile, live)?.length, 216);
  });

  it("MOST_UPLOAD_PARTS (core/src/live/upload-requests.ts)", async () => {
    same(MOST_UPLOAD_PARTS, 64);
  });

  it("uploadUrl (core/src/live/upload-requests.ts)", async () => {
    const sending = { url: "/uploads/1", bytes: new Uint8Array(8), hash: "ab" };
    same(uploadUrl(sending, 4), "/uploads/1?offset=4&total=8&hash=ab");
  });

  it("readUploadProgress (core/src/live/upload-requests.ts)", async () => {
    const sending = { url: "/uploads/1", bytes: new Uint8Array(8), hash: "ab" };
    same(readUploadProgress(200, { offset: 4 }, sending), { offset: 4 });
  });

  it("WITHHELD (core/src/live/withheld.ts)", async () => {
    same(WITHHELD.examples, 0);
  });

  it("decomposeDisparity (core/src/metrics/fairness/decomposition.ts)", async () => {
    // the prediction is the group, in one client
    same(decomposeDisparity([[[1, 0], [0, 1]]]), { global: 1, local: 1, unique: 1, redundant: 0, masked: 0 });
  });

  it("fairnessLimit (core/src/metrics/fairness/fairness-limit.ts)", async () => {
    // one client, where the label is the group: a half of a bit of the group may show
    const joint = [[[1, 0], [0, 1]]];
    same(fairnessLimit(joint, { globalLimit: 0.5, localLimit: 1 }).toFixed(2), "0.89");
  });

  it("groupFairness (core/src/metrics/fairness/group-metrics.ts)", async () => {
    const fair = groupFairness({
      ...{ clients: [0, 0, 0, 0], clientCount: 1, groups: [0, 0, 1, 1], groupCount: 2 },
      ...{ labels: [0, 1, 0, 1], predictions: [0, 0, 1, 1], classes: 2 },
    });
    same(fair.disparity.global, 1);
    same(fair.accuracy, 0.5);
  });

  it("disparity (core/src/metrics/fairness/information.ts)", async () => {
    // the prediction is the group
    same(disparity([[[1, 0], [0, 1]]]), { global: 1, local: 1 });
  });

  it("bottleneckOptions (core/src/models/bottlenecks.ts)", async () => {
    same(bottleneckOptions.parse({ units: 16 }).targets, []);
  });

  it("withBottlenecks (core/src/models/bottlenecks.ts)", async () => {
    const model = withBottlenecks(mlp({ input: [4], hidden: [8], classes: 2 }), { units: 2 });
    same(model.bottlenecks?.layers, [{ layer: "dense1", width: 8 }]);
  });

  it("charTransformerOptions (core/src/models/char-transformer.ts)", async () => {
    same(charTransformerOptions.parse({}).depth, 4);
  });

  it("charTransformer (core/src/models/char-transformer.ts)", async () => {
    same(nn.countParameters(charTransformer({ input: [64], inputType: "uint8", classes: 96 }).parameters), 826208);
  });

  it("cnn28Options (core/src/models/cnn-28x28.ts)", async () => {
    same(cnn28Options.parse({}).hidden, 512);
  });

  it("cnn28x28 (core/src/models/cnn-28x28.ts)", async () => {
    same(nn.countParameters(cnn28x28().parameters), 1663370);
  });

  it("cnnCifarOptions (core/src/models/cnn-cifar.ts)", async () => {
    same(cnnCifarOptions.parse({}).channels, [32, 64]);
  });

  it("cnnCifar (core/src/models/cnn-cifar.ts)", async () => {
    same(nn.countParameters(cnnCifar({ input: [3, 32, 32] }).parameters), 1626442);
  });

  it("exportOnnx (core/src/models/export-onnx.ts)", async () => {
    const model = logistic({ input: [4], inputType: "float", classes: 2 });
    const values = { "linear.weight": new Float32Array(8), "linear.bias": new Float32Array(2) };
    same(exportOnnx(model, values, { author: "me" }).length > 100, true);
  });

  it("gcnOptions (core/src/models/gcn.ts)", async () => {
    same(gcnOptions.parse({}).hidden, [128, 128]);
  });

  it("gcn (core/src/models/gcn.ts)", async () => {
    same(nn.countParameters(gcn({ input: [64], inputType: "float", classes: 10 }).parameters), 26122);
  });

  it("poolOptions (core/src/models/instance-pool.ts)", async () => {
    same(poolOptions.parse({ sets: 8 }).top, 3);
  });

  it("withPool (core/src/models/instance-pool.ts)", async () => {
    const { parameters } = withPool(mlp({ input: [4], hidden: [8], classes: 2 }), { sets: 5 });
    same(parameters.find(({ name }) => name === "pool.heads")?.shape, [5, 2, 8]);
  });

  it("routeInstances (core/src/models/instance-routing.ts)", async () => {
    const keys = constant([1, 0, 0, 1, -1, 0], [3, 2]);
    const { chosen, shares } = routeInstances(constant([2, 1], [1, 2]), keys, 2);
    same(evaluate(chosen).data, [0, 1]);
    same(evaluate(shares).data, [0.5, 0.5, 0]);
  });

  it("modulate (core/src/models/instance-routing.ts)", async () => {
    const pair = (values: number[]) => constant(values, [2, 2]);
    const routing = routeInstances(constant([1, 0], [1, 2]), pair([1, 0, 0, 1]), 1);
    const pool = { gamma: pair([2, 2, 5, 5]), beta: pair([0, 1, 9, 9]) };
    same(evaluate(modulate(constant([3, 4], [1, 2]), pool, routing)).data, [6, 9]);
  });

  it("routedLogits (core/src/models/instance-routing.ts)", async () => {
    const routing = routeInstances(constant([1, 0], [1, 2]), constant([1, 0, 0, 1], [2, 2]), 1);
    const heads = constant([1, 2, 7, 7], [2, 2, 1]);
    same(evaluate(routedLogits(constant([3], [1, 1]), { heads }, routing)).data, [3, 6]);
  });

  it("routedLoss (core/src/models/instance-routing.ts)", async () => {
    const routing = routeInstances(constant([1, 0], [1, 2]), constant([1, 0, 0, 1], [2, 2]), 1);
    const logits = constant([0, 0], [1, 2]);
    same(evaluate(routedLoss(logits, constant([0], [1], "int32"), routing, 0.5)).data, [0.3466]);
  });

  it("lenet5Options (core/src/models/lenet5.ts)", async () => {
    same(lenet5Options.parse({}).std, [0.5]);
  });

  it("lenet5 (core/src/models/lenet5.ts)", async () => {
    same(nn.countParameters(lenet5({ input: [3, 32, 32] }).parameters), 797962);
  });

  it("linearOptions (core/src/models/linear.ts)", async () => {
    same(linearOptions.parse({ input: [3] }).labelType, "float");
  });

  it("linear (core/src/models/linear.ts)", async () => {
    same(linear({ input: [3], inputType: "float" }).parameters.map(({ shape }) => shape), [[3, 1], [1]]);
  });

  it("logisticOptions (core/src/models/logistic.ts)", async () => {
    same(logisticOptions.parse({}).classes, 10);
  });

  it("logistic (core/src/models/logistic.ts)", async () => {
    same(nn.countParameters(logistic({ input: [784], classes: 10 }).parameters), 7850);
  });

  it("adapterOptions (core/src/models/low-rank-adapters.ts)", async () => {
    same(adapterOptions.parse({ rank: 4 }).targets, []);
  });

  it("withAdapters (core/src/models/low-rank-adapters.ts)", async () => {
    const model = withAdapters(mlp({ input: [4], hidden: [8], classes: 2 }), { rank: 2, targets: "dense1" });
    same(model.adapters?.pairs.map(({ a }) => a), ["dense1.weight.lora.a"]);
  });

  it("frozenBase (core/src/models/low-rank-adapters.ts)", async () => {
    same(frozenBase(withAdapters(mlp({ input: [4], hidden: [], classes: 2 }), { rank: 1 })), ["dense1.weight", "dense1.bias"]);
  });

  it("mergeAdapters (core/src/models/merge-adapters.ts)", async () => {
    const model = withAdapters(logistic({ input: [1], classes: 2 }), { rank: 1 });
    // linear.bias [2], linear.weight [1, 2], its A [1, 1] and B [1, 2]; alpha / rank is 2
    const values = Float32Array.of(0, 0, 1, 1, 3, 4, 5);
    same(mergeAdapters(model.adapters!, layout(model.parameters), values).values, [0, 0, 25, 31]);
  });

  it("mlpOptions (core/src/models/mlp.ts)", async () => {
    same(mlpOptions.parse({}).hidden, [200]);
  });

  it("mlp (core/src/models/mlp.ts)", async () => {
    const { parameters } = mlp({ input: [784], hidden: [200], classes: 10 });
    same(nn.countParameters(parameters), 159010);
  });

  it("cutModel (core/src/models/model-cut.ts)", async () => {
    const { body, activation } = cutModel(vit({ depth: 3 }), { headBlocks: 1, tailBlocks: 1 });
    same(activation, [64, 64]);
    same(new Set(body.parameters.map(({ name }) => name.split(".")[0])).has("block2"), true);
  });

  it("shortcutModel (core/src/models/model-cut.ts)", async () => {
    const whole = vit({ depth: 3 });
    const short = shortcutModel(whole, { headBlocks: 1, tailBlocks: 1 });
    same(whole.parameters.length - short.parameters.length, 16);
  });

  it("classification (core/src/models/model.ts)", async () => {
    const { classes } = classification(10);
    same(classes, 10);
  });

  it("regression (core/src/models/model.ts)", async () => {
    same(regression().classes, 1);
  });

  it("isRegression (core/src/models/model.ts)", async () => {
    const model = logistic({ input: [4], classes: 2 });
    same(isRegression(model), false);
  });

  it("singleLabelClasses (core/src/models/model.ts)", async () => {
    same(singleLabelClasses(logistic({ input: [4], classes: 2 })), 2);
  });

  it("quadraticOptions (core/src/models/quadratic.ts)", async () => {
    same(quadraticOptions.safeParse({ unknown: 1 }).success, false);
  });

  it("quadratic (core/src/models/quadratic.ts)", async () => {
    same(nn.countParameters(quadratic({ input: [4] }).parameters), 2);
  });

  it("models (core/src/models/registry.ts)", async () => {
    same(Object.keys(models).includes("mlp"), true);
  });

  it("modelOptions (core/src/models/registry.ts)", async () => {
    same(modelOptions.mlp.parse({}).hidden, [200]);
  });

  it("createModel (core/src/models/registry.ts)", async () => {
    const features = { dtype: "float", shape: [8, 4] } as const;
    const data = { features, labels: { dtype: "uint8", shape: [8] }, classes: 2 } as const;
    same(createModel("mlp", data, { hidden: [16] }).parameters.length, 4);
  });

  it("resnetOptions (core/src/models/resnet.ts)", async () => {
    same(resnetOptions.parse({}).groups, 2);
  });

  it("resnet8 (core/src/models/resnet.ts)", async () => {
    same(nn.countParameters(resnet8({ input: [3, 32, 32] }).parameters), 78042);
  });

  it("resnet10 (core/src/models/resnet.ts)", async () => {
    same(nn.countParameters(resnet10({ input: [3, 32, 32] }).parameters), 4903242);
  });

  it("resnet18 (core/src/models/resnet.ts)", async () => {
    same(nn.countParameters(resnet18({ input: [3, 32, 32] }).parameters), 11173962);
  });

  it("shardOptions (core/src/models/shards.ts)", async () => {
    same(shardOptions.parse({ rank: 8, pool: 2 }).pieces, 4);
  });

  it("withShards (core/src/models/shards.ts)", async () => {
    const model = withShards(mlp({ input: [8], hidden: [8], classes: 2 }), { rank: 2, pool: 1, pieces: 2 });
    same(model.parameters.find(({ name }) => name === "shards.a8")?.shape, [4, 4]);
  });

  it("viltOptions (core/src/models/vilt.ts)", async () => {
    same(viltOptions.parse({}).words, 6);
  });

  it("vilt (core/src/models/vilt.ts)", async () => {
    same(nn.countParameters(vilt({ input: [790], classes: 17 }).parameters), 116625);
  });

  it("vitOptions (core/src/models/vit.ts)", async () => {
    same(vitOptions.parse({}).patch, 4);
  });

  it("vit (core/src/models/vit.ts)", async () => {
    same(nn.countParameters(vit({ input: [3, 32, 32] }).parameters), 207946);
  });

  it("compressedDescent (core/src/operators/descent.ts)", async () => {
    const device = affineOperator([[1, 0], [0, 1]], [0, 0]);
    const options = { feedback: "ef14", k: 1, stepSize: 0.5, steps: 1 } as const;
    same(compressedDescent([device], Float64Array.of(4, 2), options), [[2, 2]]);
  });

  it("affineOperator (core/src/operators/device-operator.ts)", async () => {
    same(affineOperator([[0, 1], [-1, 0]], [1, 2])(Float64Array.of(3, 4)), [5, -1]);
  });

  it("masha (core/src/operators/masha.ts)", async () => {
    const game = affineOperator([[0.1, 1], [-1, 0.1]], [0, 0]);
    const options = { variant: 2, k: 1, stepSize: 0.2, steps: 500 } as const;
    const steps = masha([game], Float64Array.of(1, 1), options, mashaDraws(rootKey(1), 2, 1));
    same(Math.hypot(...steps.at(-1)!.z) < 1e-3, true);
  });

  it("mashaDraws (core/src/operators/masha.ts)", async () => {
    same(mashaDraws(rootKey(1), 8, 8).moves(0), true);
  });

  it("ANY_VALUE (core/src/option-references.ts)", async () => {
    same(Object.keys(optionReferences["adapters.pool"] ?? {})[0] === ANY_VALUE, true);
  });

  it("optionReferences (core/src/option-references.ts)", async () => {
    same(Object.keys(optionReferences["compression.feedback"] ?? {}), ["ef14", "ef21", "ef21+", "dgc"]);
  });

  it("toolReferences (core/src/option-references.ts)", async () => {
    same(Object.keys(toolReferences), ["anabranch audit --attack", "anabranch fairness", "anabranch explain", "library"]);
  });

  it("optionUse (core/src/option-uses.ts)", async () => {
    same(optionUse("compression.up", "top-k"), 'compression.up = ["top-k density=0.01"]');
  });

  it("usesOfSystem (core/src/option-uses.ts)", async () => {
    same(usesOfSystem("DGC"), ['compression.feedback = "dgc"']);
  });

  it("initialParameters (core/src/params/initialize.ts)", async () => {
    const { parameters } = logistic({ input: [4], classes: 2 });
    same(initialParameters(parameters, rootKey(1)).length, 10);
  });

  it("layout (core/src/params/layout.ts)", async () => {
    const { size, entries } = layout([
      { name: "output.weight", shape: [2, 3], role: "matrix", block: "output" },
      { name: "output.bias", shape: [3], role: "vector", block: "output" },
    ]);
    same(size, 9);
    same(entries.map(({ name, offset }) => `${name} at ${offset}`), ["output.bias at 0", "output.weight at 3"]);
  });

  it("subLayout (core/src/params/layout.ts)", async () => {
    const whole = layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters);
    const first = subLayout(whole, ({ block }) => block === "dense1");
    same(first.entries.map(({ name }) => name), ["dense1.bias", "dense1.weight"]);
  });

  it("entryView (core/src/params/layout.ts)", async () => {
    const { entries, size } = layout(logistic({ input: [4], classes: 2 }).parameters);
    const vector = Float32Array.from({ length: size }, (_, i) => i);
    same(entryView(vector, entries[0]!), [0, 1]);
  });

  it("entryTypes (core/src/params/layout.ts)", async () => {
    const types = entryTypes(layout(logistic({ input: [4], classes: 2 }).parameters));
    same(types["linear.bias"], { dtype: "float", shape: [2] });
  });

  it("requireLayout (core/src/params/layout.ts)", async () => {
    const { hash } = layout(logistic({ input: [4], classes: 2 }).parameters);
    requireLayout(hash, hash, "checkpoint"); // throws params/layout for another hash
  });

  it("splitParameters (core/src/params/standing.ts)", async () => {
    const model = layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters);
    const { shared, personal } = splitParameters(model, { personal: ["head"] });
    same(personal.entries.map(({ name }) => name), ["dense2.bias", "dense2.weight"]);
    same(shared.size, 40);
  });

  it("joinParameters (core/src/params/standing.ts)", async () => {
    const model = layout(logistic({ input: [1], classes: 2 }).parameters); // linear.bias [2], linear.weight [1, 2]
    const split = splitParameters(model, { personal: ["linear.bias"] });
    const held = { split, personal: Float32Array.of(1, 2), frozen: new Float32Array(0) };
    same(joinParameters(held, Float32Array.of(3, 4)), [1, 2, 3, 4]);
  });

  it("partOf (core/src/params/standing.ts)", async () => {
    const whole = layout(logistic({ input: [1], classes: 2 }).parameters); // linear.bias [2], linear.weight [1, 2]
    const weights = subLayout(whole, ({ name }) => name === "linear.weight");
    same(partOf(whole, Float32Array.of(1, 2, 3, 4), weights), [3, 4]);
  });

  it("heldOf (core/src/params/standing.ts)", async () => {
    const model = layout(logistic({ input: [1], classes: 2 }).parameters); // linear.bias [2], linear.weight [1, 2]
    const split = splitParameters(model, { frozen: ["linear.bias"] });
    same(heldOf(split, Float32Array.of(1, 2, 3, 4))!.frozen, [1, 2]);
  });

  it("isVector (core/src/params/vector.ts)", async () => {
    same(isVector(Float32Array.of(1)), true);
    same(isVector([1]), false);
  });

  it("zerosLike (core/src/params/vector.ts)", async () => {
    same(zerosLike(Float32Array.of(1, 2)), [0, 0]);
  });

  it("copy (core/src/params/vector.ts)", async () => {
    const a = Float32Array.of(1, 2);
    const b = copy(a);
    b[0] = 5;
    same(a, [1, 2]);
  });

  it("norm2 (core/src/params/vector.ts)", async () => {
    same(norm2(Float32Array.of(3, 4)), 5);
  });

  it("dot (core/src/params/vector.ts)", async () => {
    same(dot([1, 2], [3, 4]), 11);
  });

  it("distance (core/src/params/vector.ts)", async () => {
    same(distance(Float32Array.of(1, 1), Float32Array.of(4, 5)), 5);
  });

  it("isFiniteVector (core/src/params/vector.ts)", async () => {
    same(isFiniteVector(Float32Array.of(1, Number.NaN)), false);
  });

  it("hashVector (core/src/params/vector.ts)", async () => {
    same(hashVector(Float32Array.of(1, 2)).length, 16);
  });

  it("hasVersionBefore (core/src/pipeline/broadcast-compression.ts)", async () => {
    same(hasVersionBefore(3, { "compression/down/version": Float32Array.of(2) }), true);
  });

  it("messageLayouts (core/src/pipeline/client-pipeline.ts)", async () => {
    const { task } = smallRun({ name: "scaffold" }).prepared.simulation;
    const vectors = Object.entries(messageLayouts(task, undefined));
    same(vectors.map(([name, { size }]) => [name, size]), [["delta", 26], ["control", 26]]);
  });

  it("travelsAsTrained (core/src/pipeline/client-pipeline.ts)", async () => {
    const compression = { up: ["top-k density=0.1"] };
    const runs = [smallRun({ name: "fedavg" }), smallRun({ name: "fedavg" }, { compression })];
    same(runs.map(({ prepared }) => travelsAsTrained(prepared.simulation.task)), [true, false]);
  });

  it("largestUpdate (core/src/pipeline/client-pipeline.ts)", async () => {
    const { task } = smallRun({ name: "fedavg" }).prepared.simulation;
    const { vectors } = largestUpdate(task, undefined);
    same(vectors["delta"]?.length, 26);
  });

  it("feedbackState (core/src/pipeline/compression-stage.ts)", async () => {
    const run = smallRun({ name: "fedavg" }, { compression: { up: ["top-k density=0.1"], feedback: "ef14" } });
    const { stages, payloads } = run.prepared.plan;
    same(Object.values(feedbackState(stages, payloads)).map(({ size }) => size), [26]);
  });

  it("serverPipeline (core/src/pipeline/server-pipeline.ts)", async () => {
    const privacy = { mechanism: "gaussian", noiseMultiplier: 1, clipNorm: 0.5, delta: 0.1 } as const;
    const { plan } = smallRun({ name: "dp-fedavg" }, { privacy }).prepared;
    const pipeline = serverPipeline(plan);
    const server = plan.algorithm.init(plan.initial, plan.layout);
    same(pipeline.publicScalars(server, 1, 0.1), { clipNorm: 0.5 });
  });

  it("assumptionsOf (core/src/privacy/accounting/assumptions.ts)", async () => {
    const event = privacyEventSchema.parse({ kind: "gaussian", noiseMultiplier: 1 });
    same(assumptionsOf([event], { noise: "local" })[2]?.slice(0, 17), "no trusted server");
  });

  it("boundText (core/src/privacy/accounting/bound-text.ts)", async () => {
    same(boundText(7.9461), "7.947");
  });

  it("NOISE_TOLERANCE (core/src/privacy/accounting/calibration.ts)", async () => {
    same(NOISE_TOLERANCE, 0.0001);
  });

  it("calibrateNoise (core/src/privacy/accounting/calibration.ts)", async () => {
    const target = { accountant: rdpAccountant(), targetEpsilon: 8, delta: 1e-3 };
    const { noiseMultiplier } = calibrateNoise(target, (noise) => [
      { kind: "poisson-gaussian", noiseMultiplier: noise, samplingRate: 0.1, count: 10 },
    ]);
    same(noiseMultiplier, 0.54456);
  });

  it("calibrateRounds (core/src/privacy/accounting/calibration.ts)", async () => {
    const target = { accountant: rdpAccountant(), targetEpsilon: 8, delta: 1e-3 };
    const event = { kind: "poisson-gaussian", noiseMultiplier: 1, samplingRate: 0.1 } as const;
    same(calibrateRounds(target, (rounds) => (rounds === 0 ? [] : [occurring(event, rounds)])).rounds, 192);
  });

  it("accountantNames (core/src/privacy/accounting/create-accountant.ts)", async () => {
    same(accountantNames, ["rdp", "pld", "gaussian"]);
  });

  it("createAccountant (core/src/privacy/accounting/create-accountant.ts)", async () => {
    const accountant = createAccountant("pld");
    const event = { kind: "poisson-gaussian", noiseMultiplier: 1, samplingRate: 0.1, count: 100 } as const;
    same(accountant.epsilon([event], 1e-5).epsilon < 10, true);
  });

  it("privacyEventSchema (core/src/privacy/accounting/events.ts)", async () => {
    same(privacyEventSchema.safeParse({ kind: "gaussian", noiseMultiplier: -1 }).success, false);
  });

  it("occurring (core/src/privacy/accounting/events.ts)", async () => {
    same(occurring({ kind: "gaussian", noiseMultiplier: 4 }, 30).count, 30);
  });

  it("groupEvents (core/src/privacy/accounting/events.ts)", async () => {
    const event = { kind: "gaussian", noiseMultiplier: 4 } as const;
    same(groupEvents([event, event, event])[0]!.count, 3);
  });

  it("gaussianAccountant (core/src/privacy/accounting/exact-accountant.ts)", async () => {
    const { epsilon } = gaussianAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: 4, count: 10 }], 1e-5);
    same(epsilon, 3.3414);
  });

  it("gaussianDelta (core/src/privacy/accounting/gaussian.ts)", async () => {
    same(gaussianDelta(1, 1), 0.12694);
  });

  it("gaussianEpsilon (core/src/privacy/accounting/gaussian.ts)", async () => {
    same(gaussianEpsilon(1, 1e-5), 4.3772);
  });

  it("emptyLedger (core/src/privacy/accounting/ledger.ts)", async () => {
    same(emptyLedger.events, []);
  });

  it("spend (core/src/privacy/accounting/ledger.ts)", async () => {
    const event = { kind: "gaussian", noiseMultiplier: 4 } as const;
    same(spend(emptyLedger, event, event).events.map(({ count }) => count), [2]);
  });

  it("parseLedger (core/src/privacy/accounting/ledger.ts)", async () => {
    const ledger = spend(emptyLedger, { kind: "gaussian", noiseMultiplier: 4 });
    same(parseLedger(JSON.parse(JSON.stringify(ledger))).events.length, 1);
  });

  it("explain (core/src/privacy/accounting/meaning.ts)", async () => {
    const events = [{ kind: "gaussian", noiseMultiplier: 4 }] as const;
    const [sentence] = explain(rdpAccountant().epsilon(events, 1e-5), events);
    same(/at most \d+ % sure/.exec(sentence!)?.[0], "at most 73 % sure");
  });

  it("pldAccountant (core/src/privacy/accounting/pld-accountant.ts)", async () => {
    const { epsilon } = pldAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: 4, count: 10 }], 1e-5);
    same(epsilon, 3.3414);
  });

  it("rdpAccountant (core/src/privacy/accounting/rdp-accountant.ts)", async () => {
    const { epsilon } = rdpAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: 4, count: 10 }], 1e-5);
    same(epsilon, 3.6171);
  });

  it("integerOrders (core/src/privacy/accounting/rdp-conversion.ts)", async () => {
    same(integerOrders.length > 10, true);
  });

  it("fractionalOrders (core/src/privacy/accounting/rdp-conversion.ts)", async () => {
    same(fractionalOrders.length > 10, true);
  });

  it("renyiDivergences (core/src/privacy/accounting/rdp-curve.ts)", async () => {
    const event = { kind: "gaussian", noiseMultiplier: 1, adjacency: "add-or-remove", count: 1 } as const;
    const divergences = renyiDivergences(event, [2, 4]);
    same(divergences, [1, 2]);
  });

  it("PRIVACY_RECORD (core/src/privacy/accounting/record.ts)", async () => {
    same(PRIVACY_RECORD, "privacyRecord");
  });

  it("recordAfter (core/src/privacy/accounting/record.ts)", async () => {
    const poisson = { kind: "poisson-gaussian" as const, samplingRate: 0.1, noiseMultiplier: 1 };
    const event = { ...poisson, adjacency: "add-or-remove" as const, count: 1 };
    const hash = "0123456789abcdef";
    const round = { rounds: 1, noise: "central" as const, population: 100, data: hash, events: [event] };
    const account = { unit: "clients" as const, covered: true, before: [], round };
    same(recordAfter(account, 20, hash).runs[0]?.events[0]?.count, 20);
  });

  it("parsePrivacyRecord (core/src/privacy/accounting/record.ts)", async () => {
    same(parsePrivacyRecord({}), undefined);
  });

  it("discreteMechanism (core/src/privacy/integers/discrete-mechanism.ts)", async () => {
    const demand = { size: 100, modulus: 2 ** 20, noiseMultiplier: 1, survivors: 8, cohort: 10 };
    const { granularity, variance } = discreteMechanism({ distribution: "skellam", ...demand });
    same(variance * granularity ** 2 >= 1 / 8, true);
  });

  it("encodeNoisedUpdate (core/src/privacy/integers/encode.ts)", async () => {
    const demand = { size: 3, modulus: 2 ** 20, noiseMultiplier: 1, survivors: 2, cohort: 2 };
    const mechanism = discreteMechanism({ distribution: "discrete-gaussian", ...demand });
    const [rounding, noise] = [randomStream(rootKey(2)), randomStream(rootKey(3))];
    const randomness = { rotation: rootKey(1), rounding, noise };
    const integers = encodeNoisedUpdate(Float32Array.of(0.1, 0, 0.2), 1, mechanism, randomness);
    same(integers.length === paddedSize(3), true);
  });

  it("decodeSum (core/src/privacy/integers/encode.ts)", async () => {
    const demand = { size: 2, modulus: 2 ** 24, noiseMultiplier: 0.001, survivors: 1, cohort: 1 };
    const mechanism = discreteMechanism({ distribution: "discrete-gaussian", ...demand });
    const [rounding, noise] = [randomStream(rootKey(2)), randomStream(rootKey(3))];
    const randomness = { rotation: rootKey(1), rounding, noise };
    const sum = Uint32Array.from(encodeNoisedUpdate(Float32Array.of(0.3, 0.4), 1, mechanism, randomness));
    const decoded = new Float64Array(2);
    decodeSum(sum, 1, mechanism, rootKey(1), decoded);
    same([...decoded].map((value) => value.toFixed(2)), ["0.30", "0.40"]);
  });

  it("privacyEventOf (core/src/privacy/integers/privacy-event.ts)", async () => {
    const demand = { size: 100, modulus: 2 ** 20, noiseMultiplier: 4, survivors: 8, cohort: 10 };
    const event = privacyEventOf(discreteMechanism({ distribution: "skellam", ...demand }));
    same(event.kind, "skellam");
    same(rdpAccountant().epsilon([event], 1e-5).epsilon, 1.0126);
    same(gaussianAccountant().epsilon([{ kind: "gaussian", noiseMultiplier: 4 }], 1e-5).epsilon, 0.9263);
  });

  it("paddedSize (core/src/privacy/integers/rotation.ts)", async () => {
    same(paddedSize(100), 128);
  });

  it("nextClipNorm (core/src/privacy/mechanisms/adaptive-clip.ts)", async () => {
    // 90 % of the updates were within the norm, the target is 50 %: the norm shrinks
    same(nextClipNorm(1, 0.4, { targetQuantile: 0.5, rate: 0.2, countNoise: 1 }), 0.92312);
  });

  it("updateNoiseMultiplier (core/src/privacy/mechanisms/adaptive-clip.ts)", async () => {
    same(updateNoiseMultiplier(1, 5), 1.005);
  });

  it("jointNorm (core/src/privacy/mechanisms/clip.ts)", async () => {
    same(jointNorm({ delta: Float32Array.of(3), control: Float32Array.of(4) }), 5);
  });

  it("clipUpdate (core/src/privacy/mechanisms/clip.ts)", async () => {
    const update = { delta: Float32Array.of(3, 4) };
    const delta = layout([{ name: "w", shape: [2], role: "vector", block: "w" }]);
    same(clipUpdate(update, { delta }, 1, "flat"), false);
    same(update.delta, [0.6, 0.8]);
  });

  it("layerBounds (core/src/privacy/mechanisms/clip.ts)", async () => {
    same(layerBounds([4, 4], 1, "per-layer"), [0.70711, 0.70711]);
  });

  it("discreteGaussianSampler (core/src/privacy/mechanisms/discrete-gaussian-sampler.ts)", async () => {
    const draw = discreteGaussianSampler(4);
    same(Number.isInteger(draw(randomStream(rootKey(1)))), true);
  });

  it("noisePath (core/src/privacy/mechanisms/gaussian.ts)", async () => {
    same(noisePath(3, "delta"), ["privacy-noise", 3, "delta"]);
  });

  it("addGaussian (core/src/privacy/mechanisms/gaussian.ts)", async () => {
    const vector = new Float64Array(1000);
    addGaussian(vector, 2, randomStream(rootKey(1)));
    same(Math.abs(norm2(vector) / Math.sqrt(1000) - 2) < 0.2, true);
  });

  it("CLIP_NORM (core/src/privacy/mechanisms/settings.ts)", async () => {
    same(CLIP_NORM, "clipNorm");
  });

  it("UNCLIPPED (core/src/privacy/mechanisms/settings.ts)", async () => {
    same(UNCLIPPED, "unclipped");
  });

  it("skellamSampler (core/src/privacy/mechanisms/skellam.ts)", async () => {
    const draw = skellamSampler(4);
    same(Number.isInteger(draw(randomStream(rootKey(1)))), true);
  });

  it("identityPublicKey (core/src/privacy/secure-aggregation/curves.ts)", async () => {
    same(identityPublicKey(secureEntropy().bytes(32)).length, 32);
  });

  it("bestCurves (core/src/privacy/secure-aggregation/curves.ts)", async () => {
    const curves = await bestCurves();
    const [a, b] = [secureEntropy().bytes(32), secureEntropy().bytes(32)];
    const one = await curves.sharedSecret(a, await curves.publicKey(b));
    const other = await curves.sharedSecret(b, await curves.publicKey(a));
    same(toBase64(one) === toBase64(other), true);
  });

  it("portableCurves (core/src/privacy/secure-aggregation/curves.ts)", async () => {
    const secret = secureEntropy().bytes(32);
    same((await portableCurves().publicKey(secret)).length, 32);
  });

  it("platformCurves (core/src/privacy/secure-aggregation/curves.ts)", async () => {
    same(platformCurves().name, "platform");
  });

  it("secureEntropy (core/src/privacy/secure-aggregation/entropy.ts)", async () => {
    same(secureEntropy().bytes(16).length, 16);
  });

  it("seededEntropy (core/src/privacy/secure-aggregation/entropy.ts)", async () => {
    same(seededEntropy(rootKey(1)).kind, "seeded");
  });

  it("addMasks (core/src/privacy/secure-aggregation/keystream.ts)", async () => {
    const vector = Int32Array.of(1, 2, 3, 4);
    const key = new Uint8Array(16).fill(7);
    await addMasks(vector, [{ key, sign: 1 }]);
    await addMasks(vector, [{ key, sign: -1 }]);
    same(vector, [1, 2, 3, 4]);
  });

  it("completeThreshold (core/src/privacy/secure-aggregation/parameters.ts)", async () => {
    same(completeThreshold(10), 7);
  });

  it("chooseGraph (core/src/privacy/secure-aggregation/parameters.ts)", async () => {
    const { degree, threshold } = chooseGraph({ clients: 100, corrupted: 0.1, dropped: 0.1 });
    same(threshold < degree, true);
  });

  it("codedParameters (core/src/privacy/secure-aggregation/parameters.ts)", async () => {
    same(codedParameters(10, 0.5), { threshold: 8, privacy: 5 });
  });

  it("plain (core/src/privacy/secure-aggregation/plain-protocol.ts)", async () => {
    const inputs = [0, 1, 2].map((client) => ({ client, values: Uint32Array.of(client, 10) }));
    const request = { round: 1, cohort: [0, 1, 2], present: [0, 1, 2], length: 2, inputs, maximum: 10 };
    const outcome = await plain({ clock: () => performance.now() }).sum(request);
    same("sum" in outcome && outcome.sum, [3, 30]);
  });

  it("protocolNames (core/src/privacy/secure-aggregation/protocol.ts)", async () => {
    same(protocolNames, ["plain", "bonawitz", "secagg+", "lightsecagg"]);
  });

  it("bytesPerClient (core/src/privacy/secure-aggregation/protocol.ts)", async () => {
    const inputs = [0, 1, 2].map((client) => ({ client, values: Uint32Array.of(client, 10) }));
    const request = { round: 1, cohort: [0, 1, 2], present: [0, 1, 2], length: 2, inputs, maximum: 10 };
    const { cost } = await plain({ clock: () => performance.now() }).sum(request);
    same(bytesPerClient(cost), { up: 1, down: 0 });
  });

  it("bonawitz (core/src/privacy/secure-aggregation/protocols.ts)", async () => {
    const entropy = (round: number, client = -1) => seededEntropy(deriveKey(rootKey(1), round, client + 1));
    const ports = {
      run: new Uint8Array(16),
      serverEntropy: (round: number) => entropy(round),
      clientEntropy: entropy,
      curves: await bestCurves(),
      clock: () => performance.now(),
    };
    const inputs = [0, 1, 2].map((client) => ({ client, values: Uint32Array.of(client, 10) }));
    const request = { round: 1, cohort: [0, 1, 2], present: [0, 1, 2], length: 2, inputs, maximum: 10 };
    const outcome = await bonawitz(ports).sum(request); // the server sees no single vector
    same("sum" in outcome && outcome.sum, [3, 30]);
  });

  it("secaggPlus (core/src/privacy/secure-aggregation/protocols.ts)", async () => {
    const ports = {
      run: new Uint8Array(16),
      serverEntropy: (round: number) => seededEntropy(rootKey(round)),
      clientEntropy: (round: number, client: number) => seededEntropy(rootKey(1000 * round + client)),
      curves: await bestCurves(),
      clock: () => performance.now(),
    };
    const cohort = [0, 1, 2, 3];
    const inputs = cohort.map((client) => ({ client, values: Uint32Array.of(client, 10) }));
    const request = { round: 1, cohort, present: cohort, length: 2, inputs, maximum: 10 };
    const outcome = await secaggPlus(ports, { corrupted: 0.1, dropped: 0 }).sum(request);
    same("sum" in outcome && outcome.sum, [6, 40]);
  });

  it("lightsecagg (core/src/privacy/secure-aggregation/protocols.ts)", async () => {
    const ports = {
      run: new Uint8Array(16),
      serverEntropy: (round: number) => seededEntropy(rootKey(round)),
      clientEntropy: (round: number, client: number) => seededEntropy(rootKey(1000 * round + client)),
      curves: await bestCurves(),
      clock: () => performance.now(),
    };
    const cohort = [0, 1, 2, 3];
    const inputs = cohort.map((client) => ({ client, values: Uint32Array.of(client, 10) }));
    const request = { round: 1, cohort, present: cohort, length: 2, inputs, maximum: 10 };
    const outcome = await lightsecagg(ports).sum(request);
    same("sum" in outcome && outcome.sum, [6, 40]);
  });

  it("secureAggregationProtocol (core/src/privacy/secure-aggregation/protocols.ts)", async () => {
    const ports = {
      run: new Uint8Array(16),
      serverEntropy: (round: number) => seededEntropy(rootKey(round)),
      clientEntropy: (round: number, client: number) => seededEntropy(rootKey(1000 * round + client)),
      curves: await bestCurves(),
      clock: () => performance.now(),
    };
    const demand = { corrupted: 0.1, dropped: 0.1 };
    same(secureAggregationProtocol("secagg+", ports, demand).hidesInputs, true);
    same(secureAggregationProtocol("plain", ports, demand).hidesInputs, false);
  });

  it("levels (core/src/privacy/secure-aggregation/quantization.ts)", async () => {
    same(levels({ range: 1, bits: 16, maxWeight: 1, rounding: "nearest" }), 65535);
  });

  it("modulusBits (core/src/privacy/secure-aggregation/quantization.ts)", async () => {
    same(modulusBits(100, 2 ** 16 - 1), 23);
  });

  it("quantize (core/src/privacy/secure-aggregation/quantization.ts)", async () => {
    const rule = { range: 1, bits: 16, maxWeight: 1, rounding: "nearest" } as const;
    same(quantize([0, 0.5], 1, rule, randomStream(rootKey(1))).length, 3);
  });

  it("dequantizeMean (core/src/privacy/secure-aggregation/quantization.ts)", async () => {
    const rule = { range: 1, bits: 16, maxWeight: 1, rounding: "nearest" } as const;
    const sum = quantize([0, 0.5], 1, rule, randomStream(rootKey(1))); // of one client
    same(dequantizeMean(sum, 1, rule).mean, [1.5259e-05, 0.49999]);
  });

  it("hiddenMedian (core/src/privacy/secure-aggregation/weiszfeld.ts)", async () => {
    const updates = [0, 0.1, 7].map((value, client) => ({ client, update: [value], weight: 1 }));
    const found = await hiddenMedian(plain({ clock: () => performance.now() }), updates, {
      iterations: 20,
      smoothing: 0.1,
      quantization: { range: 8, bits: 20, maxWeight: 1, rounding: "nearest" },
      firstRound: 1,
      rounding: (pass, client) => randomStream(deriveKey(rootKey(1), pass, client)),
    });
    same("estimate" in found && found.estimate[0]! < 0.2, true);
  });

  it("ownWeight (core/src/privacy/secure-aggregation/weiszfeld.ts)", async () => {
    same(ownWeight({ update: [3, 4], weight: 1 }, Float64Array.of(0, 0), 1), 0.2);
  });

  it("MESSAGE_VERSION (core/src/protocol/message-read.ts)", async () => {
    same(typeof MESSAGE_VERSION, "string");
  });

  it("encodeBroadcast (core/src/protocol/message.ts)", async () => {
    const vectors = { parameters: Float32Array.of(1, 2) };
    const file = encodeBroadcast({ round: 3, vectors, scalars: { clipNorm: 1 } });
    same(decodeBroadcast(file).scalars, { clipNorm: 1 });
  });

  it("encodeUpdate (core/src/protocol/message.ts)", async () => {
    const metadata = { examples: 20, steps: 4, weight: 20, loss: 0.5 };
    const vectors = { delta: Float32Array.of(1, 2) };
    const file = encodeUpdate({ round: 3, client: 7, layoutHash: "0", vectors, public: metadata });
    same(decodeUpdate(file).client, 7);
  });

  it("encodedSize (core/src/protocol/message.ts)", async () => {
    const message = { round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} };
    same(encodedSize(message) === encodeBroadcast(message).length, true);
  });

  it("vectorOffsets (core/src/protocol/message.ts)", async () => {
    const message = { round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} };
    same(Object.keys(vectorOffsets(message)), ["parameters"]);
  });

  it("encodeInto (core/src/protocol/message.ts)", async () => {
    const message = { round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} };
    same(encodeInto(message, new Uint8Array(encodedSize(message) + 8), 8) > 0, true);
  });

  it("decodeBroadcast (core/src/protocol/message.ts)", async () => {
    const file = encodeBroadcast({ round: 3, vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} });
    same(decodeBroadcast(file).vectors["parameters"], [1, 2]);
  });

  it("decodeUpdate (core/src/protocol/message.ts)", async () => {
    const metadata = { examples: 20, steps: 4, weight: 20, loss: 0.5 };
    const vectors = { delta: Float32Array.of(1, 2) };
    const file = encodeUpdate({ round: 3, client: 7, layoutHash: "0", vectors, public: metadata });
    same(decodeUpdate(file).public.steps, 4);
  });

  it("decodeSafetensors (core/src/protocol/safetensors-read.ts)", async () => {
    const file = encodeSafetensors({ w: { shape: [2], data: Float32Array.of(1, 2) } });
    const { tensors } = decodeSafetensors(file, "example"); // views, nothing is copied
    same(tensors["w"]!.shape, [2]);
  });

  it("encodeSafetensors (core/src/protocol/safetensors-write.ts)", async () => {
    const file = encodeSafetensors({ w: { shape: [2], data: Float32Array.of(1, 2) } });
    same(decodeSafetensors(file, "example").tensors["w"]!.data, [1, 2]);
  });

  it("encodeSealed (core/src/protocol/sealed.ts)", async () => {
    const kind = { kind: "checkpoint", version: "1" };
    const file = encodeSealed(kind, { x: { shape: [1], data: Float64Array.of(3) } }, { round: "7" });
    same(decodeSealed(kind, file, "example").metadata["round"], "7");
  });

  it("decodeSealed (core/src/protocol/sealed.ts)", async () => {
    const kind = { kind: "checkpoint", version: "1" };
    const file = encodeSealed(kind, {}, { round: "7" });
    same(decodeSealed(kind, file, "example").metadata["round"], "7");
  });

  it("SPLIT_MESSAGES (core/src/protocol/split-message.ts)", async () => {
    same(SPLIT_MESSAGES.length, 4);
  });

  it("encodeSplitMessage (core/src/protocol/split-message.ts)", async () => {
    const message = { kind: "activations", round: 1, client: 4, step: 0, shape: [1, 2], values: Float32Array.of(3, 5) } as const;
    same(decodeSplitMessage(encodeSplitMessage(message)).values, [3, 5]);
  });

  it("splitMessageSize (core/src/protocol/split-message.ts)", async () => {
    const message = { kind: "outputs", round: 1, client: 4, step: 0, shape: [1, 2], values: Float32Array.of(3, 5) } as const;
    same(splitMessageSize("outputs", [1, 2], "float32") === encodeSplitMessage(message).length, true);
  });

  it("decodeSplitMessage (core/src/protocol/split-message.ts)", async () => {
    const message = { kind: "outputs", round: 1, client: 4, step: 2, shape: [1, 1], values: Float32Array.of(3) } as const;
    same(decodeSplitMessage(encodeSplitMessage(message)).step, 2);
  });

  it("TASK_KEYS (core/src/protocol/stage.ts)", async () => {
    same(TASK_KEYS.length > 0, true);
  });

  it("taskKeys (core/src/protocol/stage.ts)", async () => {
    same(typeof taskKeys(rootKey(1), TASK_KEYS, 3), "function");
  });

  it("withMetadata (core/src/protocol/stage.ts)", async () => {
    const metadata = { examples: 20, steps: 4, weight: 20, loss: 0.5 };
    const update = { round: 3, client: 7, layoutHash: "0", vectors: {}, public: metadata };
    same(withMetadata(update, { weight: 1 }).public.weight, 1);
  });

  it("bernoulliBits (core/src/random/bernoulli.ts)", async () => {
    same(bernoulliBits(randomStream(rootKey(1)), 16, 0.5).length, 2);
  });

  it("signWords (core/src/random/directions.ts)", async () => {
    same(signWords(rootKey(1), 40).length, 2);
  });

  it("fillDirection (core/src/random/directions.ts)", async () => {
    same(fillDirection(new Float32Array(4), "rademacher", rootKey(1)).map(Math.abs), [1, 1, 1, 1]);
  });

  it("countOnes (core/src/random/directions.ts)", async () => {
    same(countOnes(rootKey(1), 3).length, 3);
  });

  it("addDirection (core/src/random/directions.ts)", async () => {
    const sum = new Float64Array(4);
    addDirection(sum, 2, "rademacher", rootKey(1));
    same([...sum].map(Math.abs), [2, 2, 2, 2]);
  });

  it("dirichlet (core/src/random/distributions.ts)", async () => {
    const shares = dirichlet(randomStream(rootKey(1)), [1, 1, 1]);
    same(shares.reduce((a, b) => a + b), 1);
  });

  it("symmetricDirichlet (core/src/random/distributions.ts)", async () => {
    same(symmetricDirichlet(randomStream(rootKey(1)), 0.5, 4).length, 4);
  });

  it("rootKey (core/src/random/key.ts)", async () => {
    const first = randomStream(rootKey(7)).uint32(); // the seed of a run decides every draw
    same(first === randomStream(rootKey(7)).uint32(), true);
  });

  it("deriveKey (core/src/random/key.ts)", async () => {
    const cohort = deriveKey(rootKey(7), "cohort", 3); // one key per purpose and round
    same(deriveKey(rootKey(7), "cohort", 4).join() === cohort.join(), false);
  });

  it("secureStream (core/src/random/secure-stream.ts)", async () => {
    const word = secureStream().uint32(); // from the operating system, never repeatable
    same(word >= 0 && word < 2 ** 32, true);
  });

  it("shuffle (core/src/random/shuffle.ts)", async () => {
    const rows = Int32Array.of(1, 2, 3, 4);
    shuffle(randomStream(rootKey(1)), rows);
    same(rows, [2, 1, 4, 3]);
  });

  it("permutation (core/src/random/shuffle.ts)", async () => {
    same(permutation(randomStream(rootKey(1)), 5), [2, 4, 0, 1, 3]);
  });

  it("sampleWithoutReplacement (core/src/random/shuffle.ts)", async () => {
    same(sampleWithoutReplacement(randomStream(rootKey(1)), 100, 3), [37, 40, 0]);
  });

  it("randomStream (core/src/random/stream.ts)", async () => {
    const stream = randomStream(deriveKey(rootKey(1), "example"));
    same(stream.below(10), 8);
    same(stream.below(10), 8);
  });

  it("threefry2x32 (core/src/random/threefry.ts)", async () => {
    same(threefry2x32([0, 0], [0, 0]), [1797259609, 2579123966]);
  });

  it("references (core/src/references.ts)", async () => {
    same(Object.keys(references).length > 3, true);
  });

  it("memoryBlobStore (core/src/round/blob-store.ts)", async () => {
    const blobs = memoryBlobStore();
    await blobs.put("checkpoints/1", Uint8Array.of(1, 2));
    same(await blobs.list("checkpoints/"), ["checkpoints/1"]);
    same(await blobs.get("absent"), undefined);
  });

  it("requirePrefix (core/src/round/blob-store.ts)", async () => {
    requirePrefix("checkpoints/"); // throws blob/name for "../"
  });

  it("requireBlobName (core/src/round/blob-store.ts)", async () => {
    requireBlobName("checkpoints/round-1"); // throws blob/name for "../elsewhere"
  });

  it("BEST_CHECKPOINT (core/src/round/checkpoint-store.ts)", async () => {
    same(BEST_CHECKPOINT, "checkpoints/best.safetensors");
  });

  it("resumePoint (core/src/round/checkpoint-store.ts)", async () => {
    const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0], [0]] };
    const { plan, simulation } = prepareQuadratics(fedavg(), problem, interpreter());
    const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    await runFederation({ ...plan, rounds: 1 }, { backend, evaluator, ...stores, emit: () => {} });
    same((await resumePoint(plan, stores.checkpoints))?.checkpoint.round, 1);
  });

  it("checkpointName (core/src/round/checkpoint-store.ts)", async () => {
    same(checkpointName(12), "checkpoints/round-00000012.safetensors");
  });

  it("newestCheckpoint (core/src/round/checkpoint-store.ts)", async () => {
    same(await newestCheckpoint(memoryBlobStore()), undefined);
  });

  it("encodeCheckpoint (core/src/round/checkpoint.ts)", async () => {
    const best = { round: 0, score: 0, stale: 0 };
    const bytes = encodeCheckpoint({
      ...{ version: 1, packageVersion: "0.1.0", configHash: "c", dataHash: "d", executor: "interpreter 1" },
      ...{ round: 7, algorithm: "fedavg", layoutHash: "l", generator: { seed: 1 } },
      serverState: { vectors: { parameters: Float32Array.of(1, 2) }, scalars: {} },
      clientStates: { kind: "inline", states: [] },
      totals: { bytesDown: 0, bytesUp: 0, seconds: 0, best },
    });
    same(decodeCheckpoint(bytes, "example").serverState.vectors, { parameters: [1, 2] });
  });

  it("decodeCheckpoint (core/src/round/checkpoint.ts)", async () => {
    let code: string | undefined;
    try {
      decodeCheckpoint(new Uint8Array(3), "checkpoints/round-7.safetensors");
    } catch (error) {
      if (error instanceof AnabranchError) code = error.code;
    }
    same(code, "checkpoint/truncated");
  });

  it("stopsForTrouble (core/src/round/divergence.ts)", async () => {
    same(stopsForTrouble(undefined), false);
  });

  it("failsForTrouble (core/src/round/divergence.ts)", async () => {
    same(failsForTrouble(undefined, 3), false);
  });

  it("isAway (core/src/round/divergence.ts)", async () => {
    same(isAway("client/absent"), true);
  });

  it("firstSentence (core/src/round/divergence.ts)", async () => {
    same(firstSentence("the data are missing; received nothing. Download them."), "the data are missing");
  });

  it("addSums (core/src/round/evaluation-sums.ts)", async () => {
    const client = { loss: 3, score: 2, examples: 4 };
    same(addSums([client, client]), { loss: 6, score: 4, examples: 8 });
  });

  it("testSums (core/src/round/evaluation-sums.ts)", async () => {
    const chunks = [3, 1].map((score) => ({ loss: 2, score, examples: 4 }));
    same(testSums({ stream: { tasks: 2, clients: 1 } }, chunks).tasks?.map(({ score }) => score), [3, 1]);
  });

  it("EVENT_VERSION (core/src/round/events.ts)", async () => {
    same(EVENT_VERSION, 1);
  });

  it("runEventSchemas (core/src/round/events.ts)", async () => {
    same(runEventSchemas.map((schema) => schema.shape.type.value).includes("evaluation"), true);
  });

  it("stampEvent (core/src/round/events.ts)", async () => {
    const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
    same(event.at, "1970-01-01T00:00:00.000Z");
  });

  it("renderEvent (core/src/round/events.ts)", async () => {
    const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
    same(renderEvent(event).startsWith('{"v":1,"type":"run.warning"'), true);
  });

  it("readEventLeniently (core/src/round/lenient-events.ts)", async () => {
    const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
    same(readEventLeniently(event)!.type, "run.warning");
    same(readEventLeniently({ type: "of a later version" }), undefined);
  });

  it("memoryClientStates (core/src/round/memory-client-states.ts)", async () => {
    const states = memoryClientStates();
    same(typeof states.save, "function");
  });

  it("requireKind (core/src/round/memory-client-states.ts)", async () => {
    const states = memoryClientStates();
    await states.save(7, 1, { variate: Float32Array.of(1) });
    const saved = await states.snapshot();
    requireKind(saved, "inline");
    same(saved.states, [{ client: 7, vectors: { variate: [1] } }]);
  });

  it("parseEvent (core/src/round/parse-event.ts)", async () => {
    const event = stampEvent({ type: "run.warning", code: "x/y", message: "look" }, 0);
    same(parseEvent(renderEvent(event)).type, "run.warning");
  });

  it("hasPersonalModels (core/src/round/personal-models.ts)", async () => {
    same(hasPersonalModels({ algorithm: ditto() }), true);
  });

  it("personalModel (core/src/round/personal-models.ts)", async () => {
    const run = { algorithm: ditto(), layout: layout([{ name: "x", shape: [1], role: "vector", block: "x" }]) };
    const [global, own] = [Float32Array.of(1), Float32Array.of(2)];
    same(personalModel(run, global, { model: own, visits: Float32Array.of(1) }), [2]);
  });

  it("hasEnded (core/src/round/run-ending.ts)", async () => {
    const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0]] };
    const { plan, simulation } = prepareQuadratics(fedavg(), problem, interpreter());
    const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    await runFederation(plan, { backend, evaluator, ...stores, emit: () => {} });
    same(await hasEnded(plan, stores.checkpoints), true);
  });

  it("RunHistoryFold (core/src/round/run-history.ts)", async () => {
    const fold = new RunHistoryFold();
    const at = "2026-01-01T00:00:00.000Z";
    const test = { loss: 1.5, accuracy: 0.5, examples: 100, seconds: 1 };
    fold.add({ type: "evaluation", at, round: 2, split: "test", ...test });
    same(fold.history.evaluations.map(({ accuracy }) => accuracy), [0.5]);
  });

  it("foldEvents (core/src/round/run-history.ts)", async () => {
    same(foldEvents([]).rounds, []);
  });

  it("byRound (core/src/round/run-history.ts)", async () => {
    same(byRound(new Map([[2, "b"], [1, "a"]])), ["a", "b"]);
  });

  it("runStatuses (core/src/round/run-status.ts)", async () => {
    same(runStatuses, ["running", "finished", "stopped", "interrupted", "diverged", "failed", "unreadable"]);
  });

  it("statusAfter (core/src/round/run-status.ts)", async () => {
    same(statusAfter("running", { type: "run.stopped", reason: "diverged" }), "diverged");
  });

  it("runFederation (core/src/round/run.ts)", async () => {
    const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0], [0]] };
    const { plan, simulation } = prepareQuadratics(fedavg(), problem, interpreter());
    const { backend, evaluator } = await inProcessSimulation(simulation, interpreter());
    const stores = { checkpoints: memoryBlobStore(), clientStates: memoryClientStates() };
    const { parameters, stopped } = await runFederation(plan, { backend, evaluator, ...stores, emit: () => {} });
    same(parameters, [1.5]);
    same(stopped, "finished");
  });

  it("sentBytes (core/src/round/sent-bytes.ts)", async () => {
    same(sentBytes({}, { round: 1, vectors: {}, scalars: {} }, 200, undefined), 200);
  });

  it("servedModel (core/src/round/served-model.ts)", async () => {
    const model = layout([{ name: "x", shape: [1], role: "vector", block: "x" }]);
    same(servedModel({ algorithm: fedavg(), layout: model }, Float32Array.of(1)), [1]);
  });

  it("spentBy (core/src/round/spent.ts)", async () => {
    same(spentBy({ start: undefined, rounds: [] }), undefined);
  });

  it("spentText (core/src/round/spent.ts)", async () => {
    same(spentText({ start: undefined, rounds: [] }), "");
  });

  it("scopeText (core/src/round/spent.ts)", async () => {
    same(scopeText({ covered: false }), "; not covered: the data of its initial weights");
  });

  it("testNote (core/src/round/spent.ts)", async () => {
    same(testNote({ start: undefined }), "");
  });

  it("formatEpsilon (core/src/round/spent.ts)", async () => {
    same(formatEpsilon(7.9461), "7.947");
    same(formatEpsilon(null), "none");
  });

  it("wholeModel (core/src/round/whole-model.ts)", async () => {
    same(wholeModel({}, Float32Array.of(1, 2)), [1, 2]);
  });

  it("keepsParameters (core/src/round/whole-model.ts)", async () => {
    same(keepsParameters({}), false);
  });

  it("synchronous (core/src/schedule/synchronous.ts)", async () => {
    const opened = synchronous.open({}, { round: 1, cohort: [4, 7], time: 0 });
    same(opened.requests, [{ client: 4, visit: 0 }, { client: 7, visit: 0 }]);
    same(opened.complete, false);
  });

  it("dealParts (core/src/selection/deal-parts.ts)", async () => {
    same(dealParts(2, [4, 7, 9, 11], rootKey(1)).length, 4);
  });

  it("drawWeighted (core/src/selection/draw-weighted.ts)", async () => {
    same(drawWeighted([1, 0, 5, 2], 2, rootKey(1)).length, 2);
  });

  it("uniformSampler (core/src/selection/sampler.ts)", async () => {
    const sampler = uniformSampler(100, 3);
    same(sampler.sample(1, (round) => deriveKey(rootKey(1), "cohort", round)), [12, 62, 72]);
  });

  it("poissonSampler (core/src/selection/sampler.ts)", async () => {
    const sampler = poissonSampler(100, 3); // cohorts vary in size around 3
    same(sampler.sample(1, (round) => deriveKey(rootKey(1), "cohort", round)).length < 20, true);
  });

  it("allocationSampler (core/src/selection/sampler.ts)", async () => {
    const sampler = allocationSampler(6, 2); // each client once in every 2 rounds
    const keyOf = (round: number) => deriveKey(rootKey(1), "cohort", round);
    same([...sampler.sample(1, keyOf), ...sampler.sample(2, keyOf)].sort(), [0, 1, 2, 3, 4, 5]);
  });

  it("scriptedSampler (core/src/selection/sampler.ts)", async () => {
    same(scriptedSampler([[0, 1], [2, 3]]).sample(3, () => rootKey(1)), [0, 1]);
  });

  it("openAdapter (core/src/simulation/adapter.ts)", async () => {
    same(typeof openAdapter, "function");
  });

  it("baselineConfig (core/src/simulation/baseline.ts)", async () => {
    const config = resolveConfig({ name: "trees", algorithm: { name: "scaffold" } });
    const { name, algorithm } = baselineConfig(config, "centralized");
    same([name, algorithm.name], ["trees-centralized", "fedavg"]);
  });

  it("openClassActivator (core/src/simulation/class-activation.ts)", async () => {
    const model = cnn28x28({ input: [1, 8, 8], hidden: 4, classes: 2 });
    const whole = layout(model.parameters);
    const activator = await openClassActivator(model, whole, interpreter());
    const features = { dtype: "uint8", shape: [1, 1, 8, 8], data: new Uint8Array(64).fill(200) } as const;
    const { height, width } = await activator.explain(new Float64Array(whole.size), features, [1]);
    same([height, width], [4, 4]);
  });

  it("mapOverlap (core/src/simulation/class-activation.ts)", async () => {
    same(mapOverlap([1, 1, 0], [0, 2, 2]), 0.3333333333333333);
  });

  it("classMetrics (core/src/simulation/class-metrics.ts)", async () => {
    const { prepared } = smallRun({ name: "fedavg" });
    const metrics = await classMetrics(prepared, prepared.plan.initial, interpreter());
    same(metrics?.confusion, [[3, 0, 0], [6, 0, 0], [0, 0, 0]]);
  });

  it("areaUnderCurve (core/src/simulation/class-metrics.ts)", async () => {
    same(areaUnderCurve([0.9, 0.8, 0.3, 0.1], [1, 1, 0, 0]), 1);
  });

  it("prepareProblem (core/src/simulation/classified-points.ts)", async () => {
    const problem = {
      ...{ points: [[1], [-1]], labels: [0, 1], owners: [0, 1], classes: 2, hidden: 1 },
      ...{ x0: [0, 1, 0, 0, 1, -1], learningRate: 0.1, localSteps: 1, cohorts: [[0, 1]] },
    };
    const { plan } = prepareProblem(fedavg(), problem, interpreter());
    same(plan.population, 2);
  });

  it("openFederation (core/src/simulation/federation.ts)", async () => {
    const part = (firstIndex: number) =>
      syntheticDataset(rootKey(1), { shape: [1, 4, 4], classes: 2, examples: 6, firstIndex });
    const config = resolveConfig({ data: { clients: 2, partition: { scheme: "iid" } }, sampler: { cohort: 2 } });
    same(openFederation(config, { train: part(0), test: part(6) }).examplesHeld, { fewest: 3, most: 3, total: 6 });
  });

  it("forLiveClients (core/src/simulation/for-live-clients.ts)", async () => {
    const privacy = { mechanism: "gaussian", noiseMultiplier: 1, delta: 0.1 } as const;
    const { config, prepared } = smallRun({ name: "dp-fedavg" }, { privacy });
    const { plan } = forLiveClients(prepared, config);
    same([prepared.plan, plan].map(({ stages }) => stages.privacy?.source.kind), ["seeded", "secure"]);
  });

  it("inProcessSimulation (core/src/simulation/in-process.ts)", async () => {
    const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0]] };
    const { plan, simulation } = prepareQuadratics(fedavg(), problem, interpreter());
    const { evaluator, close } = await inProcessSimulation(simulation, interpreter());
    same((await evaluator.evaluate(plan.initial)).loss, 2);
    await close();
  });

  it("openJudge (core/src/simulation/judge.ts)", async () => {
    const part = (firstIndex: number) =>
      syntheticDataset(rootKey(1), { shape: [1, 2, 2], classes: 2, examples: 8, firstIndex });
    const config = resolveConfig({
      ...{ data: { clients: 2, holdout: 0.5, partition: { scheme: "iid" } }, model: { name: "mlp", hidden: [3] } },
      ...{ algorithm: { name: "bristle" }, topology: { name: "complete" }, parameters: { frozen: ["*", "!head"] } },
    });
    const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
    const prepared = prepareRun(config, { train: part(0), test: part(8) }, identity, 0, "example");
    const open = await openJudge(prepared, interpreter());
    const scores = await open?.judge({ client: 0, model: prepared.plan.initial });
    same(scores?.size, 2);
    await open?.close();
  });

  it("f1ByClass (core/src/simulation/judge.ts)", async () => {
    same([...f1ByClass([0, 0, 1], [0, 1, 1])], [[0, 2 / 3], [1, 2 / 3]]);
  });

  it("predictTest (core/src/simulation/predictions.ts)", async () => {
    const part = (firstIndex: number) =>
      syntheticDataset(rootKey(1), { shape: [1, 4, 4], classes: 2, examples: 6, firstIndex });
    const config = resolveConfig({
      data: { clients: 2, partition: { scheme: "iid" } },
      model: { name: "logistic" },
      sampler: { cohort: 2 },
    });
    const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
    const run = prepareRun(config, { train: part(0), test: part(6) }, identity, 0, "example");
    same((await predictTest(run, run.plan.initial, interpreter()))?.classes.length, 6);
  });

  it("prepareRun (core/src/simulation/prepare.ts)", async () => {
    const part = (firstIndex: number) =>
      syntheticDataset(rootKey(1), { shape: [1, 4, 4], classes: 2, examples: 6, firstIndex });
    const config = resolveConfig({
      data: { clients: 2, partition: { scheme: "iid" } },
      model: { name: "logistic" },
      sampler: { cohort: 2 },
    });
    const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
    const { plan } = prepareRun(config, { train: part(0), test: part(6) }, identity, 0, "example");
    same(plan.layout.size, 34);
  });

  it("openProbe (core/src/simulation/probe.ts)", async () => {
    const { prepared } = smallRun({ name: "fedavg" }, { diagnostics: { flatness: true, clients: 2 } });
    const probe = await openProbe(prepared, interpreter());
    same(probe?.clients, 2);
    same((await probe?.loss(0, prepared.plan.initial))?.toFixed(4), "1.4012");
    await probe?.close();
  });

  it("openPublicTrainer (core/src/simulation/public-trainer.ts)", async () => {
    const part = (firstIndex: number) =>
      syntheticDataset(rootKey(1), { shape: [1, 2, 2], classes: 2, examples: 8, firstIndex });
    const config = resolveConfig({
      data: { clients: 2, publicExamples: 4, partition: { scheme: "iid" } },
      ...{ model: { name: "mlp", hidden: [4] }, algorithm: { name: "fedconv" }, sampler: { cohort: 2 } },
    });
    const identity = { name: "interpreter", version: "1", fingerprint: "", float: "float64" } as const;
    const { publicTraining } = prepareRun(config, { train: part(0), test: part(8) }, identity, 0, "example");
    const open = openPublicTrainer(publicTraining, interpreter());
    same(open?.trainer.layout.size, 30);
    await open?.close();
  });

  it("prepareQuadratics (core/src/simulation/quadratics.ts)", async () => {
    const problem = { a: [[1, 1]], b: [[2, 0]], x0: [0, 3], learningRate: 0.5, localSteps: 1, cohorts: [[0], [0]] };
    const { plan } = prepareQuadratics(fedavg(), problem, interpreter());
    same(plan.initial, [0, 3]);
    same(plan.rounds, 2);
  });

  it("clientsForSum (core/src/simulation/secure-aggregation.ts)", async () => {
    const secureAggregation = { protocol: "bonawitz", range: 1 } as const;
    const { prepared } = smallRun({ name: "fedavg" }, { sampler: { cohort: 4 }, secureAggregation });
    same(clientsForSum(prepared.plan.stages.secureAggregation!, 4), 3);
  });

  it("simulatedSecureAggregation (core/src/simulation/simulated-secure-aggregation.ts)", async () => {
    const secureAggregation = { protocol: "bonawitz", range: 1 } as const;
    const { prepared } = smallRun({ name: "fedavg" }, { sampler: { cohort: 4 }, secureAggregation });
    same((await simulatedSecureAggregation(prepared.plan))?.hidesInputs, true);
  });

  it("convertStaleUpdate (core/src/simulation/stale-conversion.ts)", async () => {
    const model = logistic({ input: [1], inputType: "float", classes: 2 });
    const [base, current] = [new Float64Array(4), Float64Array.of(0, 0, 1, -1)];
    const stale = Float64Array.of(0.05, -0.05, 0.1, -0.1);
    const training = { learningRate: 0.1, examples: 1, labels: [0] };
    const settings = { iterations: 40, starts: 1 };
    const { update } = await convertStaleUpdate(model, { base, current, stale }, training, interpreter(), settings);
    same(update[0]! < stale[0]!, true);
  });

  it("traceFederation (core/src/simulation/trace-federation.ts)", async () => {
    const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0], [0]] };
    same((await traceFederation(fedavg(), problem)).rounds, [[1], [1.5]]);
  });

  it("recording (core/src/simulation/trace-federation.ts)", async () => {
    const problem = { a: [[1]], b: [[2]], x0: [0], learningRate: 0.5, localSteps: 1, cohorts: [[0], [0]] };
    const seen: number[] = [];
    await traceFederation(recording(fedavg(), (x) => seen.push(x[0]!)), problem);
    same(seen, [1, 1.5]);
  });

  it("traceProblem (core/src/simulation/trace-quadratics.ts)", async () => {
    same(traceProblem.safeParse({ algorithm: { name: "fedavg" } }).success, false);
  });

  it("traceQuadratics (core/src/simulation/trace-quadratics.ts)", async () => {
    const { rounds } = await traceQuadratics({
      algorithm: { name: "fedavg" },
      a: [[1], [1]], // curvatures of two clients
      b: [[0], [2]], // minima
      x0: [0],
      learningRate: 0.5,
      localSteps: 1,
      cohorts: [[0, 1], [0, 1]],
    });
    same(rounds, [[0.5], [0.75]]);
  });

  it("chainOf (core/src/submodels/chain.ts)", async () => {
    const chain = chainOf(layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters));
    same(typeof chain === "string" ? chain : chain.map(({ weight }) => weight.name), ["dense1.weight", "dense2.weight"]);
  });

  it("shrunkShape (core/src/submodels/convolved-weights.ts)", async () => {
    same(shrunkShape([32, 16, 3, 3], 0.75), [24, 12, 3, 3]);
  });

  it("leakyScale (core/src/submodels/convolved-weights.ts)", async () => {
    same(evaluate(leakyScale(constant([2, -2]))).data, [1.7, -0.002]);
  });

  it("compressedWeight (core/src/submodels/convolved-weights.ts)", async () => {
    const weight = constant([1, 2, 3, 4], [2, 2, 1, 1]);
    const map = { filter: constant([1], [1, 1]), gain: constant([2]) };
    same(evaluate(compressedWeight(weight, map, constant(0))).data, [1.7, 3.4, 5.1, 6.8]);
  });

  it("dilatedWeight (core/src/submodels/convolved-weights.ts)", async () => {
    const map = { filter: constant([1, 1, 1, 1], [2, 2]), gain: constant([2]) };
    const large = dilatedWeight(constant([1], [1, 1, 1, 1]), map);
    same(large.shape, [2, 2, 1, 1]);
    same(evaluate(large).data, [0.85, 0.85, 0.85, 0.85]);
  });

  it("weightedWeights (core/src/submodels/convolved-weights.ts)", async () => {
    const [one, three, factor] = [constant([1]), constant([3]), constant([1])];
    same(evaluate(weightedWeights([one, three], [factor, factor], [0.25, 0.75])).data, [2.5]);
  });

  it("quantile (core/src/submodels/exploration-mask.ts)", async () => {
    same(quantile([3, 1, 2], 0.25), 1.5);
  });

  it("explorationMask (core/src/submodels/exploration-mask.ts)", async () => {
    same(explorationMask([0.1, 0.9, 0.5, 0.7], 0.5).mask, [0, 1, 0, 1]);
  });

  it("structuredMask (core/src/submodels/exploration-mask.ts)", async () => {
    const hidden = { weight: [[0, 0], [1, 0]], bias: [1, 1] };
    const output = { weight: [[1, 1]], bias: [1] };
    const { dropped, layers } = structuredMask([hidden, output], 0.9);
    same(dropped, [[0]]);
    same(layers[1]?.weight, [[0, 1]]);
  });

  it("maskedMomentumStep (core/src/submodels/exploration-mask.ts)", async () => {
    const step = maskedMomentumStep([1, 1], [0, 0], { change: [4, 4], mask: [1, 0], momentum: 0.5 });
    same(step.parameters, [3, 0]);
  });

  it("denseWeights (core/src/submodels/kept-weights.ts)", async () => {
    const model = layout(mlp({ input: [4], hidden: [8], classes: 2 }).parameters);
    same(denseWeights(model).map(({ shape }) => shape), [[4, 8], [8, 2]]);
  });

  it("hiddenLayers (core/src/submodels/masked-units.ts)", async () => {
    same(hiddenLayers(mlp({ input: [4], hidden: [8], classes: 2 })), [{ units: 8, makes: "dense1.weight", reads: "dense2.weight" }]);
  });

  it("withUnitMasks (core/src/submodels/masked-units.ts)", async () => {
    const model = mlp({ input: [4], hidden: [8], classes: 2 });
    same(Object.keys(withUnitMasks(model, hiddenLayers(model)).received ?? {}), ["kept.dense1.weight"]);
  });

  it("rankTiers (core/src/submodels/rank-tiers.ts)", async () => {
    const model = withAdapters(logistic({ input: [2], classes: 2 }), { rank: 2 });
    const sent = subLayout(layout(model.parameters), ({ name }) => name.includes("lora")); // A [2, 2], B [2, 2]
    const { parts, places } = rankTiers(model, { shared: sent, sent }, [{ rank: 2 }, { rank: 1 }]);
    same(parts.map((part) => part.layout.size), [8, 4]);
    same(places(1, 1), [0, 2, 4, 5]);
  });

  it("ofRank (core/src/submodels/rank-tiers.ts)", async () => {
    const model = withAdapters(logistic({ input: [4], classes: 2 }), { rank: 2 });
    const shared = subLayout(layout(model.parameters), ({ name }) => name.includes("lora"));
    const { entries } = ofRank(model, { shared }, 1).layout;
    same(entries.map(({ shape }) => shape), [[4, 1], [1, 2]]);
  });

  it("biasFreeNetwork (core/src/submodels/sign-network.ts)", async () => {
    const weights = [constant([1, -1], [2, 1]), constant([2, 5], [1, 2])];
    same(evaluate(biasFreeNetwork(weights, constant([3], [1, 1]))).data, [6]);
  });

  it("synapticFlow (core/src/submodels/sign-network.ts)", async () => {
    same(synapticFlow([constant([1, 2], [1, 2])]).map((flow) => [...evaluate(flow).data]), [[1, 2]]);
  });

  it("keptEntries (core/src/submodels/sign-network.ts)", async () => {
    same(keptEntries([0.3, 0.9, 0.1, 0.5], 0.5), [0, 1, 0, 1]);
  });

  it("signs (core/src/submodels/sign-network.ts)", async () => {
    same(evaluate(signs(constant([-2, 0, 0.5]))).data, [-1, 1, 1]);
  });

  it("signedWeights (core/src/submodels/sign-network.ts)", async () => {
    const [frozen, kept, scores] = [[0.5, 0.2], [1, 0], [-3, 1]].map((values) => constant(values));
    same(evaluate(signedWeights(frozen!, kept!, scores!)).data, [-0.5, 0]);
  });

  it("scoreGradient (core/src/submodels/sign-network.ts)", async () => {
    const [gradient, frozen, kept] = [[2, 3], [0.5, 1], [1, 0]].map((values) => constant(values));
    same(evaluate(scoreGradient(gradient!, frozen!, kept!)).data, [1, 0]);
  });

  it("signVote (core/src/submodels/sign-network.ts)", async () => {
    same(signVote([[1, -2], [3, 4]], [0.25, 0.75], [1, 1]), [1, 0.5]);
  });

  it("signBytes (core/src/submodels/sign-network.ts)", async () => {
    same(signBytes([1, 0, 1, 1]), 1);
  });

  it("heldUnits (core/src/submodels/slices.ts)", async () => {
    same(heldUnits(4, 0.5), [0, 1]);
    same(heldUnits(4, 0.5, 3), [3, 0]);
  });

  it("heldEntries (core/src/submodels/slices.ts)", async () => {
    same(heldEntries({ shape: [2, 4], axes: [1] }, 0.5), [0, 1, 4, 5]);
  });

  it("averageSubModels (core/src/submodels/slices.ts)", async () => {
    const parts = [{ places: [0], values: [3] }, { places: [0, 1], values: [5, 1] }];
    same(Array.from(averageSubModels(Float64Array.of(0, 0, 9), parts)), [4, 1, 9]);
  });

  it("subModels (core/src/submodels/sub-models.ts)", async () => {
    const model = mlp({ input: [2], hidden: [4], classes: 2 }); // dense1.bias [4], dense1.weight [2, 4], dense2 ...
    const { parts, places } = subModels(model, layout(model.parameters), { ratios: [1, 0.5], rolls: true });
    same(parts.map((part) => part.layout.size), [22, 12]);
    same(places(1, 4).subarray(0, 2), [3, 0]);
  });

  it("unitAxes (core/src/submodels/unit-axes.ts)", async () => {
    const model = mlp({ input: [4], hidden: [8], classes: 2 });
    same(unitAxes(model, layout(model.parameters))["dense2.weight"], [{ axis: 0, units: 8, each: 1 }]);
  });

  it("withoutUnits (core/src/submodels/unit-mask.ts)", async () => {
    const model = layout(mlp({ input: [1], hidden: [2], classes: 1 }).parameters);
    // dense1.bias [2], dense1.weight [1, 2], dense2.bias [1], dense2.weight [2, 1]
    same(withoutUnits(Uint8Array.of(1, 1, 0, 1, 1, 1, 1), model, 1), [0, 1, 0, 1, 1, 0, 1]);
  });

  it("nearest (core/src/text/nearest.ts)", async () => {
    same(nearest("fedvag", ["fedavg", "scaffold"]), "fedavg");
  });

  it("editDistance (core/src/text/nearest.ts)", async () => {
    same(editDistance("fedvag", "fedavg"), 1);
  });

  it("printable (core/src/text/printable.ts)", async () => {
    same(printable("a\u0007b"), "a␇b");
  });

  it("jsonText (core/src/text/printable.ts)", async () => {
    same(jsonText({ a: [1, Number.NaN] }), "{\"a\":[1,null]}");
  });

  it("graphOf (core/src/topology/graph.ts)", async () => {
    const ring = graphOf(4, [[0, 1], [1, 2], [2, 3], [3, 0]]);
    same(mixingRows(ring, "metropolis").length, 4);
  });

  it("lambdaOf (core/src/topology/spectrum.ts)", async () => {
    const ring = graphOf(4, [[0, 1], [1, 2], [2, 3], [3, 0]]);
    same(lambdaOf(mixingRows(ring, "metropolis")), 0.3333);
  });

  it("mixingOf (core/src/topology/topology.ts)", async () => {
    const rows = mixingRows(graphOf(4, [[0, 1], [1, 2], [2, 3], [3, 0]]), "metropolis");
    same(mixingOf({ name: "ring", nodes: 4, period: 1, rows: () => rows }), { lambda: 0.3333, links: 8 });
  });

  it("mixingRows (core/src/topology/weights.ts)", async () => {
    same(mixingRows(graphOf(3, [[0, 1], [1, 2]]), "metropolis")[0], { nodes: [0, 1], weights: [0.6667, 0.3333] });
  });

  it("VERSION (core/src/version.ts)", async () => {
    same(VERSION.split(".").length, 3);
  });
});
