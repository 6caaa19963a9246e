/** Recurrent cells, and the alignment of sequences. */
export { ctc_f32, ctc_grad_f32 } from '../ctc';
export { lstmCell_f32, lstmCell_grad_f32, gruCell_f32, gruCell_grad_f32 } from '../recurrent';
